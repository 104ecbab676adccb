#include "task/open_loops.h"

#include "task/hosted_loop.h"
#include "task/submission.h"

namespace ep::task {

void OpenLoops::add(HostedLoop* loop) {
  std::lock_guard lock(mutex_);
  loops_[&loop->executor()].insert(loop);
}

void OpenLoops::remove(HostedLoop* loop) noexcept {
  std::lock_guard lock(mutex_);
  const auto hosted = loops_.find(&loop->executor());
  hosted->second.erase(loop);
  if (hosted->second.empty()) loops_.erase(hosted);
}

void OpenLoops::close_all(ErlNifEnv* caller, ERL_NIF_TERM why, const Executor* executor) {
  for (const auto& submission : owed(executor)) submission->loop().close(caller, why);
}

/// No loop gets through its destructor meanwhile.
void OpenLoops::end_polls() noexcept {
  std::lock_guard lock(mutex_);
  for (const auto& [executor, loops] : loops_) {
    for (HostedLoop* const loop : loops) loop->end_polls();
  }
}

/// A loop may be in its destructor, waiting for the lock; not one whose submission is alive.
std::vector<ResourceRef<Submission>> OpenLoops::owed(const Executor* executor) {
  std::vector<ResourceRef<Submission>> out;
  std::lock_guard lock(mutex_);
  for (const auto& [host, loops] : loops_) {
    if (executor != nullptr && host != executor) continue;
    for (HostedLoop* const loop : loops) {
      loop->ledger().look_at_one(
          [&](Submission* one) { out.push_back(ResourceRef<Submission>::share(one)); });
    }
  }
  return out;
}

/// As above: a loop is alive as long as something is in its queue.
std::vector<ResourceRef<HostedLoop>> OpenLoops::with_starts(const Executor& executor) {
  std::vector<ResourceRef<HostedLoop>> out;
  std::lock_guard lock(mutex_);
  const auto hosted = loops_.find(&executor);
  if (hosted == loops_.end()) return out;
  for (HostedLoop* const loop : hosted->second) {
    if (auto shared = loop->calls().loop_if_any()) {
      out.push_back(std::move(shared));
    } else if (auto of_tasks = loop->tasks().loop_if_any()) {
      out.push_back(std::move(of_tasks));
    }
  }
  return out;
}

std::vector<ResourceRef<Submission>> OpenLoops::guests_of(const HostedLoop& place) {
  std::vector<ResourceRef<Submission>> out;
  std::lock_guard lock(mutex_);
  for (const auto& [host, loops] : loops_) {
    for (HostedLoop* const loop : loops) {
      if (loop == &place) continue;
      loop->ledger().look_at_all([&](Submission* each) {
        if (&each->place() == &place) out.push_back(ResourceRef<Submission>::share(each));
      });
    }
  }
  return out;
}

}  // namespace ep::task
