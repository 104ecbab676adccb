#include "task/stand_ins.h"

#include <algorithm>
#include <utility>

#include "base/job.h"
#include "task/hosted_loop.h"
#include "task/services.h"
#include "task/submission.h"

namespace ep::task {

/// One turn of a stand-in, on its thread: it starts the oldest submission of the queue that it
/// serves. As a call of its executor, or inside its event loop, as the queue's own loop would.
class StandIns::Turn final : public Job {
 public:
  Turn(StandIns& owner, const Assignment& assignment) : owner_(owner), assignment_(assignment) {}

  void run(const Attached& py) noexcept override {
    if (!owner_.goes_on(assignment_)) return owner_.offer_if_asked();
    const bool is_needed = owner_.is_held_up(*assignment_.loop);
    const auto submission = is_needed ? assignment_.queue->pop() : ResourceRef<Submission>();
    if (!submission) return owner_.finished(assignment_);
    // The next turn first: what is started now may run a loop of its own, which serves other jobs.
    owner_.take_up(assignment_);
    submission->start_at(py, assignment_.stand_in);
  }
  void abandon() noexcept override { owner_.finished(assignment_); }

 private:
  StandIns& owner_;
  const Assignment assignment_;
};

// ---- who can stand in

void StandIns::set_keeper(ErlNifEnv* caller, const ErlNifPid& keeper) {
  std::lock_guard lock(mutex_);
  has_keeper_ = true;
  keeper_ = keeper;
  if (!asks_.empty()) tell_keeper(caller);
}

void StandIns::tell_keeper(ErlNifEnv* caller) {
  if (has_keeper_) enif_send(caller, &keeper_, nullptr, services_.beam.atoms.stand_in_wanted);
}

void StandIns::clear() noexcept {
  std::vector<Member> members;  // let go of when the lock is free again, as everywhere here
  std::deque<Ask> asks;
  std::lock_guard lock(mutex_);
  members.swap(members_);
  asks.swap(asks_);
  for (const Member& member : members) {
    if (member.serves != nullptr) member.serves->stand_in = nullptr;
  }
  for (const Ask& ask : asks) ask.queue->asks = false;
  asking_.store(0);
  has_keeper_ = false;
}

void StandIns::add(ResourceRef<HostedLoop> loop, bool made_for_it) {
  loop->share_work();
  {
    std::lock_guard lock(mutex_);
    members_.push_back({std::move(loop), made_for_it, now(), nullptr, {}, 0});
  }
  offer();
}

void StandIns::remove(ErlNifEnv* caller, const HostedLoop* loop) noexcept {
  Member removed{};
  {
    std::lock_guard lock(mutex_);
    Member* const member = find(loop);
    if (member == nullptr) return;
    std::swap(removed, *member);
    members_.erase(members_.begin() + (member - members_.data()));
    if (removed.serves == nullptr) return;
    removed.serves->stand_in = nullptr;
  }
  look_after(caller, removed.served_loop, *removed.serves);
}

bool StandIns::retire(const HostedLoop* loop, Nanos idle) noexcept {
  Member removed{};
  std::lock_guard lock(mutex_);
  Member* const member = find(loop);
  if (member == nullptr || member->serves != nullptr || now() - member->idle_since < idle) {
    return false;
  }
  std::swap(removed, *member);
  members_.erase(members_.begin() + (member - members_.data()));
  return true;
}

StandIns::Member* StandIns::find(const HostedLoop* loop) noexcept {
  const auto found = std::find_if(members_.begin(), members_.end(),
                                  [&](const Member& member) { return member.loop.get() == loop; });
  return found == members_.end() ? nullptr : &*found;
}

StandIns::Member* StandIns::find_free() noexcept {
  Member* found = nullptr;
  for (Member& member : members_) {
    if (member.serves != nullptr || !member.loop->is_free()) continue;
    if (member.made_for_it) return &member;
    if (found == nullptr) found = &member;
  }
  return found;
}

// ---- who needs one

bool StandIns::is_held_up(const HostedLoop& loop) const noexcept {
  Executor& executor = loop.executor();
  return executor.is_held_up() ||
         (other_threads_.load() > 0 && executor.innermost() != Executor::Ticket::kNone);
}

bool StandIns::needs_help(const HostedLoop& loop, const StartQueue& queue) const noexcept {
  return queue.stand_in == nullptr && !queue.empty() && is_held_up(loop);
}

void StandIns::thread_waits(const Executor& executor) {
  ResourceRef<HostedLoop> served;
  StartQueue* queue = nullptr;
  {
    std::lock_guard lock(mutex_);
    for (Member& member : members_) {
      if (member.serves == nullptr || &member.loop->executor() != &executor) continue;
      queue = member.serves;
      served = ends(member);
      break;
    }
  }
  if (queue != nullptr) look_after(nullptr, served, *queue);
  for (const auto& loop : services_.open_loops.with_starts(executor)) look_after(nullptr, *loop);
}

void StandIns::look_after(ErlNifEnv* caller, HostedLoop& loop) {
  if (!loop.shares_work()) return;
  const auto shared = ResourceRef<HostedLoop>::share(&loop);
  look_after(caller, shared, loop.calls());
  look_after(caller, shared, loop.tasks());
}

void StandIns::look_after(ErlNifEnv* caller, const ResourceRef<HostedLoop>& loop,
                          StartQueue& queue) {
  Assignment assignment{};
  ResourceRef<HostedLoop> served;
  {
    std::lock_guard lock(mutex_);
    Member* const current = find(queue.stand_in);
    if (current != nullptr && is_held_up(*current->loop)) served = ends(*current);
    if (queue.asks || !needs_help(*loop, queue)) return;
    Member* const member = find_free();
    if (member == nullptr) {
      queue.asks = true;
      asks_.push_back({loop, &queue});
      asking_.store(asks_.size());
      return tell_keeper(caller);
    }
    assignment = assign(*member, loop, queue);
  }
  take_up(assignment);
}

void StandIns::offer() {
  std::vector<Assignment> assignments;
  std::vector<Ask> done;
  {
    std::lock_guard lock(mutex_);
    while (!asks_.empty()) {
      Ask& ask = asks_.front();
      if (needs_help(*ask.loop, *ask.queue)) {
        Member* const member = find_free();
        if (member == nullptr) break;
        assignments.push_back(assign(*member, ask.loop, *ask.queue));
      }
      ask.queue->asks = false;
      done.push_back(std::move(ask));
      asks_.pop_front();
    }
    asking_.store(asks_.size());
  }
  for (const Assignment& assignment : assignments) take_up(assignment);
}

StandIns::ThreadWait::ThreadWait(StandIns& owner) : owner_(owner) {
  owner.other_threads_.fetch_add(1);
  std::vector<ResourceRef<HostedLoop>> loops;
  {
    std::lock_guard lock(owner.mutex_);
    for (const Member& member : owner.members_) {
      if (!member.loop->calls().empty()) loops.push_back(member.loop);
      if (member.serves != nullptr) loops.push_back(member.served_loop);
    }
  }
  for (const auto& loop : loops) owner.look_after(nullptr, *loop);
}

// ---- standing in

StandIns::Assignment StandIns::assign(Member& member, const ResourceRef<HostedLoop>& loop,
                                      StartQueue& queue) {
  member.serves = &queue;
  member.served_loop = loop;
  member.number = ++last_number_;
  queue.stand_in = member.loop.get();
  ++served_;
  return {member.loop, loop, &queue, member.number};
}

void StandIns::take_up(const Assignment& assignment) {
  HostedLoop& stand_in = *assignment.stand_in;
  JobPtr turn = make_job<Turn>(*this, assignment);
  const bool as_tasks = assignment.queue == &assignment.loop->tasks();
  abandon(as_tasks ? stand_in.post_to_loop(std::move(turn))
                   : stand_in.executor().post(std::move(turn)));
}

/// mutex_ held. What it served, to be let go of without it.
ResourceRef<HostedLoop> StandIns::ends(Member& member) noexcept {
  std::exchange(member.serves, nullptr)->stand_in = nullptr;
  member.idle_since = now();
  return std::exchange(member.served_loop, {});
}

bool StandIns::goes_on(const Assignment& assignment) {
  std::lock_guard lock(mutex_);
  const Member* const member = find(assignment.stand_in.get());
  return member != nullptr && member->serves != nullptr && member->number == assignment.number;
}

void StandIns::finished(const Assignment& assignment) {
  ResourceRef<HostedLoop> served;
  {
    std::lock_guard lock(mutex_);
    Member* const member = find(assignment.stand_in.get());
    if (member == nullptr || member->serves == nullptr || member->number != assignment.number) {
      return;
    }
    served = ends(*member);
  }
  look_after(nullptr, served, *assignment.queue);  // something may have come since
  offer_if_asked();
}

// ---- when there are no more

StandIns::Demand StandIns::demand() {
  std::lock_guard lock(mutex_);
  return {asks_.size(), served_};
}

void StandIns::refuse(ErlNifEnv* caller) {
  std::deque<Ask> asks;
  {
    std::lock_guard lock(mutex_);
    asks.swap(asks_);
    asking_.store(0);
    for (const Ask& ask : asks) ask.queue->asks = false;
  }
  for (const Ask& ask : asks) {
    while (const auto submission = ask.queue->pop()) submission->refuse(caller);
  }
}

}  // namespace ep::task
