#include "task/hosted_loop.h"

#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "cpython/error.h"
#include "loop/running_scope.h"
#include "task/python_names.h"
#include "task/services.h"
#include "task/submission.h"

namespace ep::task {
namespace {

// A loop that had something to do lately waits in its own poller for this long before it parks.
constexpr Nanos kLinger = kMillisecond;
// Entering and leaving a loop takes as long as a tick that has little to do.
constexpr int kTicksInOneJob = 64;
// Erlang's timers come up to 2 ms late, so the last stretch before a deadline is waited in the
// thread.
constexpr Nanos kErlangTimerLateness = 2 * kMillisecond;

/// The VM's, for descriptors of one loop. Made in NIFs and callbacks of the VM's only.
class VmPollSet final : public PollSet {
 public:
  VmPollSet(ErlNifEnv* env, HostedLoop* loop, ERL_NIF_TERM reference)
      : env_(env), loop_(loop), reference_(reference) {}
  Added add(int fd) noexcept override {
    return select(fd, ERL_NIF_SELECT_READ) < 0 ? Added::kNo : Added::kYes;
  }
  void remove(int fd) noexcept override { select(fd, ERL_NIF_SELECT_STOP); }

 private:
  int select(int fd, ErlNifSelectFlags what) noexcept {
    return enif_select(env_, fd, what, loop_, nullptr, reference_);
  }

  ErlNifEnv* const env_;
  HostedLoop* const loop_;
  const ERL_NIF_TERM reference_;
};

}  // namespace

HostedLoop::HostedLoop(Services& services, std::shared_ptr<Executor> executor, bool owns_executor)
    : services_(services),
      executor_(std::move(executor)),
      owns_executor_(owns_executor),
      shares_work_(!owns_executor) {
  services_.open_loops.add(this);
}

HostedLoop::~HostedLoop() {
  services_.open_loops.remove(this);
  // Without a close() before, the Python loop is still open, and its users may outlive us.
  if (loop::EventLoop* const loop = loop_.load()) loop->set_notifier(nullptr);
  if (owns_executor_) executor_->stop();
}

// ---- handing in work

HostedLoop::Accepted HostedLoop::submit(ErlNifEnv* env, Submission* submission) {
  if (ledger_.size() >= services_.max_pending.load(std::memory_order_relaxed)) {
    return Accepted::kOverloaded;
  }
  const ErlNifPid& owner = submission->owner();
  const auto monitor = [&] { return enif_monitor_process(env, this, &owner, nullptr) == 0; };
  if (ledger_.add(owner.pid, submission, monitor) != Ledger<Submission>::Added::kYes) {
    return Accepted::kClosed;
  }
  const bool posted = submission->post(env);
  // An executor that ends has its loops closed, and these may have been looked at already.
  if (posted && !executor_->stopped()) return Accepted::kYes;
  // If close() was faster it has answered already.
  return submission->withdraw() == Claim::Result::kOurs ? Accepted::kClosed : Accepted::kYes;
}

bool HostedLoop::is_free() noexcept {
  return !closing() && calls_.empty() && !executor_->waits() &&
         executor_->innermost() == Executor::Ticket::kNone;
}

JobPtr HostedLoop::post_to_loop(JobPtr job) noexcept {
  if (early_.state() == EarlyJobs::State::kWaiting) {
    job = early_.add(std::move(job));
    if (!job) {
      notify();
      return nullptr;
    }
  }
  loop::EventLoop* const loop = loop_.load(std::memory_order_acquire);
  return loop != nullptr ? loop->post(std::move(job)) : std::move(job);  // which notifies
}

void HostedLoop::notify() noexcept {
  switch (parking_.notify()) {
    case Parking::Notified::kQueueTick:
      return queue(tick_);
    case Parking::Notified::kWakeThread:
      return executor_->waker().wake();
  }
}

void HostedLoop::look_for_work() noexcept {
  loop::EventLoop* const loop = loop_.load(std::memory_order_acquire);
  if (loop != nullptr && loop->has_work()) notify();
}

// ---- running, on the executor's thread

HostedLoop* HostedLoop::current(const Attached&) noexcept {
  const Executor* const executor = Executor::current();
  Work* const work = executor != nullptr ? executor->work() : nullptr;
  return work != nullptr ? dynamic_cast<HostedLoop*>(&work->host()) : nullptr;
}

void HostedLoop::queue(Part& part) noexcept {
  enif_keep_resource(this);
  abandon(executor_->post(JobPtr(&part)));
}

PyObject* HostedLoop::python_loop(const Attached& py) {
  if (!python_loop_ && !create_loop(py)) return nullptr;
  return python_loop_.get(py);
}

bool HostedLoop::create_loop(const Attached& py) {
  PyRef made = PyRef::steal(PyObject_CallNoArgs(names_of(py).new_loop));
  if (!made) return false;
  loop::EventLoop* const loop = loop::EventLoop::from(made.get());
  python_loop_ = DeferredRef(py, std::move(made), py.interpreter().drops);
  loop->set_notifier(this);
  // It becomes known when it has what came first, so that jobs keep their order.
  early_.open([&](JobPtr job) { abandon(loop->post(std::move(job))); },
              [&] { loop_.store(loop, std::memory_order_release); });
  return true;
}

void HostedLoop::tick(const Attached& py) {
  if (life_ == Life::kFinished) return;
  if (python_loop(py) == nullptr) return fail_early(py);
  loop::EventLoop& loop = *loop_.load(std::memory_order_acquire);
  {
    const Running work(py, *executor_, *this, 0);
    const loop::RunningScope running(py, loop);
    if (!running.entered() || !run_ticks(py, loop)) PyErr_WriteUnraisable(python_loop_.get(py));
  }
  last_active_ = now();
  if (loop.has_work()) {
    queue(tick_);
  } else if (executor_->work() != nullptr) {
    park(py);  // a loop that blocks the thread waits there, in its own poller
  } else {
    linger(py);
  }
}

/// As many ticks as there is work for, unless the executor has something else to do. False: Python
/// error set.
bool HostedLoop::run_ticks(const Attached& py, loop::EventLoop& loop) {
  for (int budget = kTicksInOneJob; budget > 0; --budget) {
    const bool ok = loop.tick(py);
    if (services_.forked.here()) end_forked_child(py, loop, ok);
    if (!ok) return false;
    if (executor_->has_jobs() || !loop.has_work()) break;
  }
  return true;
}

/// A callback of this loop forked. What it has made ready since runs, to the end of its task.
void HostedLoop::end_forked_child(const Attached& py, loop::EventLoop& loop, bool ok) {
  ok = ok && loop.run_all_ready(py);
  services_.forked.end(py, ok ? PyRef() : take_error(py));
}

/// The executor gets a reference for as long as this is its idler.
void HostedLoop::linger(const Attached& py) {
  enif_keep_resource(this);
  executor_->set_idler(py, this);
}

/// There can be no Python loop, for want of descriptors or memory perhaps; later there may.
void HostedLoop::fail_early(const Attached& py) noexcept {
  PyErr_WriteUnraisable(names_of(py).new_loop);
  // Who adds one after this finds the loop parked.
  for (JobPtr& job : early_.take([this] { parking_.park(); })) abandon(std::move(job));
}

void HostedLoop::before_sleep(const Attached& py) noexcept {
  const auto reference = ResourceRef<HostedLoop>::adopt(this);
  if (life_ == Life::kFinished) return;
  loop::EventLoop& loop = *loop_.load(std::memory_order_acquire);
  Nanos until = last_active_ + kLinger;
  const Nanos deadline = loop.next_deadline();
  if (deadline - now() < kLinger + kErlangTimerLateness) until = std::max(until, deadline);
  if (now() < until && !loop.spin(py, until)) loop.wait(py, until);
  const bool woken = now() < until && !executor_->has_jobs();
  if (loop.has_work() || woken) {
    tick(py);
  } else if (now() < until) {
    linger(py);  // after the jobs that have come
  } else {
    park(py);
  }
}

void HostedLoop::displaced(const Attached& py) noexcept {
  const auto reference = ResourceRef<HostedLoop>::adopt(this);
  if (life_ != Life::kFinished) park(py);
}

// ---- waiting in the VM

void HostedLoop::park(const Attached&) noexcept {
  loop::EventLoop& loop = *loop_.load(std::memory_order_acquire);
  switch (parking_.park([&] { return loop.has_work(); })) {
    case Parking::Parked::kTellWorker:
      return tell_worker(loop);
    case Parking::Parked::kQueueTick:
      return queue(tick_);
    case Parking::Parked::kNotified:
      return;
  }
}

void HostedLoop::tell_worker(const loop::EventLoop& loop) noexcept {
  const Nanos deadline = loop.next_deadline();
  const int poll_fd = loop.poll_fd();
  if (deadline == kNever && poll_fd < 0) return;
  if (poll_fd >= 0) poller_.share(poll_fd);
  // On a busy thread there is no waiting for the last stretch.
  const Nanos early = executor_->work() != nullptr ? -kMillisecond : kErlangTimerLateness;
  worker_.tell(services_.beam.atoms,
               {.number = parking_.begin_wait(),
                .longest = deadline == kNever ? kNever : deadline - now() - early,
                .descriptors = poll_fd >= 0});
}

bool HostedLoop::set_worker(ErlNifEnv* env, const ErlNifPid& worker) {
  if (enif_monitor_process(env, this, &worker, nullptr) != 0) return false;
  worker_.set(worker);
  if (loop_.load() != nullptr) notify();
  return true;
}

bool HostedLoop::arm(ErlNifEnv* env) {
  VmPollSet polls(env, this, services_.beam.atoms.undefined);
  return poller_.arm(polls) == PollSet::Added::kYes;
}

void HostedLoop::wake(std::uint64_t sequence) noexcept {
  if (parking_.is_latest_wait(sequence)) notify();
}

// ---- the end

void HostedLoop::retire_if_idle(const Attached& py, Nanos idle) noexcept {
  if (executor_->work() != nullptr || life_ != Life::kOpen) return;
  if (loop::EventLoop* const loop = loop_.load(); loop != nullptr) {
    if (loop->has_work() || loop->next_deadline() != kNever) return;
    const PyRef is_empty =
        PyRef::steal(PyObject_CallOneArg(names_of(py).is_empty, python_loop_.get(py)));
    if (!is_empty) PyErr_WriteUnraisable(python_loop_.get(py));
    if (is_empty.get() != Py_True) return;
  }
  if (!services_.stand_ins.retire(this, idle)) return;
  worker_.tell_to_retire(services_.beam.atoms);
}

void HostedLoop::close(ErlNifEnv* caller, ERL_NIF_TERM why) noexcept {
  Life open = Life::kOpen;
  const bool is_first = life_.compare_exchange_strong(open, Life::kClosing);
  descriptor_events_.end();
  if (caller != nullptr) {
    VmPollSet polls(caller, this, services_.beam.atoms.undefined);
    poller_.release(polls);
  } else {
    poller_.release();
  }
  if (!is_first) return;
  services_.stand_ins.remove(caller, this);
  std::vector<JobPtr> early = early_.close();
  std::vector<ResourceRef<Submission>> owed;
  ledger_.close([&](Submission* each) { owed.push_back(ResourceRef<Submission>::share(each)); });
  for (const auto& submission : owed) submission->fail_loop_died(caller, why);
  if (had_guests_) {
    for (const auto& guest : services_.open_loops.guests_of(*this)) {
      guest->fail_loop_died(caller, why);
    }
  }
  for (JobPtr& job : early) abandon(std::move(job));
  queue(finish_);
}

void HostedLoop::finish(const Attached& py) {
  life_ = Life::kFinished;
  if (python_loop_) {
    // Not to be interrupted by who means the code that ran before.
    const Running work(py, *executor_, *this, 0, Running::Reach::kByThread);
    loop_.load()->set_notifier(nullptr);
    loop_.load()->set_stopping(false);  // somebody may have asked for that: in vain, until now
    const PyRef done =
        PyRef::steal(PyObject_CallOneArg(names_of(py).finish_loop, python_loop_.get(py)));
    if (!done) PyErr_WriteUnraisable(python_loop_.get(py));
  }
  if (owns_executor_) executor_->stop();
}

void HostedLoop::down(ErlNifEnv* env, HostedLoop* self, ErlNifPid* pid, ErlNifMonitor*) {
  std::vector<ResourceRef<Submission>> unwanted;
  self->ledger_.take(pid->pid, [&](Submission* each) {
    unwanted.push_back(ResourceRef<Submission>::share(each));
  });
  for (const auto& submission : unwanted) static_cast<void>(submission->cancel());
  if (self->worker_.is(*pid)) self->close(env, self->services_.beam.atoms.killed);
}

void HostedLoop::stop(ErlNifEnv*, HostedLoop*, ErlNifEvent event, int) { ::close(event); }

}  // namespace ep::task
