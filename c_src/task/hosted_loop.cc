#include "task/hosted_loop.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "cpython/error.h"
#include "loop/running_scope.h"
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

}  // namespace

HostedLoop::HostedLoop(Services& services, std::shared_ptr<Executor> executor, bool owns_executor)
    : services_(services), executor_(std::move(executor)), owns_executor_(owns_executor) {
  services_.open_loops.add(this);
}

HostedLoop::~HostedLoop() {
  services_.open_loops.remove(this);
  // Without a close() before, the Python loop is still open, and its users may outlive us.
  if (loop::EventLoop* const loop = loop_.load()) loop->set_notifier(nullptr);
  if (owns_executor_) executor_->stop();
  if (!selected_ && select_fd_ >= 0) ::close(select_fd_);
}

// ---- handing in work

HostedLoop::Accepted HostedLoop::submit(ErlNifEnv* env, Submission* submission) {
  if (ledger_.size() >= services_.max_pending.load(std::memory_order_relaxed)) {
    return Accepted::kOverloaded;
  }
  if (!ledger_.add(env, this, submission->owner(), submission)) return Accepted::kClosed;
  const bool posted = submission->post() == nullptr;
  // An executor that ends has its loops closed, and these may have been looked at already.
  if (posted && !executor_->stopped()) return Accepted::kYes;
  // If close() was faster it has answered already.
  return submission->withdraw() ? Accepted::kClosed : Accepted::kYes;
}

JobPtr HostedLoop::post_to_loop(JobPtr job) noexcept {
  loop::EventLoop* loop = loop_.load(std::memory_order_acquire);
  if (loop == nullptr) {
    {
      std::lock_guard lock(mutex_);
      if (closing_) return job;
      loop = loop_.load(std::memory_order_acquire);
      if (loop == nullptr) early_.push_back(std::move(job));
    }
    if (loop == nullptr) {
      notify();
      return nullptr;
    }
  }
  return loop->post(std::move(job));  // which notifies
}

void HostedLoop::notify() noexcept {
  if (parked_.exchange(false, std::memory_order_seq_cst)) {
    queue(tick_);
  } else {
    executor_->waker().wake();  // it may be waiting in this loop's poller
  }
}

void HostedLoop::look_for_work() noexcept {
  const loop::EventLoop* const loop = loop_.load(std::memory_order_acquire);
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
  PyRef made = PyRef::steal(PyObject_CallNoArgs(services_.names.new_loop));
  if (!made) return false;
  loop::EventLoop* const loop = loop::EventLoop::from(made.get());
  python_loop_ = DeferredRef(py, std::move(made), services_.codec->drops());
  loop->set_notifier(this);
  std::lock_guard lock(mutex_);
  for (JobPtr& job : early_) abandon(loop->post(std::move(job)));
  early_.clear();
  loop_.store(loop, std::memory_order_release);
  return true;
}

void HostedLoop::tick(const Attached& py) {
  if (finished_) return;
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
void HostedLoop::fail_early(const Attached&) noexcept {
  PyErr_WriteUnraisable(services_.names.new_loop);
  std::vector<JobPtr> early;
  {
    std::lock_guard lock(mutex_);
    early.swap(early_);
    parked_.store(true, std::memory_order_seq_cst);
  }
  for (JobPtr& job : early) abandon(std::move(job));
}

void HostedLoop::before_sleep(const Attached& py) noexcept {
  const auto reference = ResourceRef<HostedLoop>::adopt(this);
  if (finished_) return;
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
  if (!finished_) park(py);
}

// ---- waiting in the VM

void HostedLoop::park(const Attached&) noexcept {
  const loop::EventLoop& loop = *loop_.load(std::memory_order_acquire);
  parked_.store(true, std::memory_order_seq_cst);
  if (loop.has_work()) {
    if (parked_.exchange(false, std::memory_order_seq_cst)) queue(tick_);
  } else {
    tell_worker(loop);
  }
}

void HostedLoop::tell_worker(const loop::EventLoop& loop) noexcept {
  const Nanos deadline = loop.next_deadline();
  const int poll_fd = loop.poll_fd();
  if (deadline == kNever && poll_fd < 0) return;
  share_poller(poll_fd);
  const std::uint64_t sequence = park_sequence_.fetch_add(1) + 1;

  std::lock_guard lock(mutex_);
  if (!has_worker_) return;  // set_worker() looks again
  const OwnedEnv env;
  const Atoms& atoms = services_.beam.atoms;
  ERL_NIF_TERM delay = atoms.infinity;
  if (deadline != kNever) {
    // On a busy thread there is no waiting for the last stretch.
    const Nanos early = executor_->work() != nullptr ? -kMillisecond : kErlangTimerLateness;
    const Nanos left = deadline - now() - early;
    delay = enif_make_int64(env.get(), std::max<Nanos>(left, 0) / kMillisecond);
  }
  enif_send(nullptr, &worker_, env.get(),
            enif_make_tuple4(env.get(), atoms.park, enif_make_uint64(env.get(), sequence), delay,
                             poll_fd >= 0 ? atoms.true_ : atoms.false_));
}

void HostedLoop::share_poller(int poll_fd) noexcept {
  if (poll_fd < 0) return;
  std::lock_guard lock(mutex_);
  if (poll_fd == poll_fd_ || closing_) return;
  if (select_fd_ >= 0) {
    if (selected_) {
      replaced_fds_.push_back(select_fd_);
    } else {
      ::close(select_fd_);
    }
  }
  selected_ = false;
  select_fd_ = ::fcntl(poll_fd, F_DUPFD_CLOEXEC, 0);
  poll_fd_ = select_fd_ < 0 ? -1 : poll_fd;
}

bool HostedLoop::set_worker(ErlNifEnv* env, const ErlNifPid& worker) {
  if (enif_monitor_process(env, this, &worker, nullptr) != 0) return false;
  {
    std::lock_guard lock(mutex_);
    worker_ = worker;
    has_worker_ = true;
  }
  if (loop_.load() != nullptr) notify();
  return true;
}

bool HostedLoop::arm(ErlNifEnv* env) {
  release_replaced(env);
  std::lock_guard lock(mutex_);
  if (select_fd_ < 0 || closing_) return false;
  if (enif_select(env, select_fd_, ERL_NIF_SELECT_READ, this, nullptr,
                  services_.beam.atoms.undefined) < 0) {
    return false;
  }
  selected_ = true;
  return true;
}

void HostedLoop::wake(std::uint64_t sequence) noexcept {
  if (sequence == park_sequence_.load()) notify();
}

DescriptorEvents& HostedLoop::descriptor_events() {
  std::lock_guard lock(mutex_);
  if (!descriptor_events_) {
    descriptor_events_ = std::make_unique<DescriptorEvents>();
    if (closing_) descriptor_events_->close();
  }
  return *descriptor_events_;
}

// ---- the end

void HostedLoop::close(ErlNifEnv* caller, ERL_NIF_TERM why) noexcept {
  std::vector<JobPtr> early;
  bool again;
  {
    std::lock_guard lock(mutex_);
    again = closing_.exchange(true);
    early.swap(early_);  // none are let in after the first time
    if (descriptor_events_) descriptor_events_->close();
  }
  if (caller != nullptr) release_poller(caller);
  if (again) return;
  for (const auto& submission : ledger_.close()) submission->fail_loop_died(caller, why);
  for (JobPtr& job : early) abandon(std::move(job));
  queue(finish_);
}

/// In a NIF or callback of the VM's, which alone may touch its poll set.
void HostedLoop::release_replaced(ErlNifEnv* env) noexcept {
  std::vector<int> replaced;
  {
    std::lock_guard lock(mutex_);
    replaced.swap(replaced_fds_);
  }
  for (const int fd : replaced) {
    enif_select(env, fd, ERL_NIF_SELECT_STOP, this, nullptr, services_.beam.atoms.undefined);
  }
}

void HostedLoop::release_poller(ErlNifEnv* env) noexcept {
  release_replaced(env);
  int fd = -1;
  bool selected = false;
  {
    std::lock_guard lock(mutex_);
    std::swap(fd, select_fd_);
    std::swap(selected, selected_);
  }
  if (fd < 0) return;
  if (selected) {
    enif_select(env, fd, ERL_NIF_SELECT_STOP, this, nullptr, services_.beam.atoms.undefined);
  } else {
    ::close(fd);
  }
}

void HostedLoop::finish(const Attached& py) {
  finished_ = true;
  if (python_loop_) {
    // Not to be interrupted by who means the code that ran before.
    const Running work(py, *executor_, *this, 0, Running::Reach::kByThread);
    loop_.load()->set_notifier(nullptr);
    loop_.load()->set_stopping(false);  // somebody may have asked for that: in vain, until now
    const PyRef done =
        PyRef::steal(PyObject_CallOneArg(services_.names.finish_loop, python_loop_.get(py)));
    if (!done) PyErr_WriteUnraisable(python_loop_.get(py));
  }
  if (owns_executor_) executor_->stop();
}

void HostedLoop::down(ErlNifEnv* env, HostedLoop* self, ErlNifPid* pid, ErlNifMonitor*) {
  for (const auto& submission : self->ledger_.take(*pid)) submission->cancel();
  bool is_worker = false;
  {
    std::lock_guard lock(self->mutex_);
    is_worker = self->has_worker_ && enif_compare_pids(pid, &self->worker_) == 0;
  }
  if (is_worker) self->close(env, self->services_.beam.atoms.killed);
}

void HostedLoop::stop(ErlNifEnv*, HostedLoop*, ErlNifEvent event, int) { ::close(event); }

}  // namespace ep::task
