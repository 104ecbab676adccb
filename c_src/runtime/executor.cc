#include "runtime/executor.h"

#include <poll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <utility>

#include "cpython/ref.h"

namespace ep {

Running::Running(const Attached&, Executor& executor, const void* id, const void* host,
                 std::uint64_t chain)
    : executor_(executor), id_(id), host_(host), chain_(chain), below_(executor.running_) {
  std::lock_guard lock(executor_.mutex_);
  executor_.running_ = this;
}

Running::~Running() {
  std::lock_guard lock(executor_.mutex_);
  executor_.running_ = below_;
  executor_.raised_ = nullptr;
  if (executor_.interrupted_.exchange(false)) {
    PyThreadState_SetAsyncExc(executor_.python_thread_, nullptr);
  }
  if (below_ != nullptr && below_->wanted_ != nullptr) {
    executor_.raise_soon(std::exchange(below_->wanted_, nullptr));
  }
}

ChainWait::ChainWait(Executor& executor, std::uint64_t chain) : executor_(executor) {
  std::lock_guard lock(executor_.mutex_);
  executor_.waiting_chains_.push_back(chain);
  executor_.waiting_.store(true);
}

ChainWait::~ChainWait() {
  std::lock_guard lock(executor_.mutex_);
  executor_.waiting_chains_.pop_back();
  executor_.waiting_.store(!executor_.waiting_chains_.empty());
}

Executor::Executor(Config config)
    : name_(std::move(config.name)),
      exit_guard_(std::move(config.exit_guard)),
      ended_(std::move(config.ended)),
      wake_fd_(new_eventfd()),
      spin_(config.max_spin) {}

Executor::~Executor() = default;

void Executor::start(PyInterpreterState* interpreter) {
  thread_ = Thread(name_, [self = shared_from_this(), interpreter] {
    if (PyThreadState* const state = PyThreadState_New(interpreter)) {
      self->run(state);
      PyEval_RestoreThread(state);
      PyThreadState_Clear(state);
      PyThreadState_DeleteCurrent();
    } else {
      self->stop();
    }
    if (self->ended_) self->ended_(*self);
  });
}

void Executor::adopt(PyThreadState* state) { run(state); }

JobPtr Executor::post(JobPtr job) noexcept {
  JobPtr refused = jobs_.post(std::move(job));
  if (!refused) waker_.wake();
  return refused;
}

void Executor::stop() noexcept {
  stopping_.store(true, std::memory_order_release);
  jobs_.close();
  waker_.wake();
}

/// The end of what is queued.
class Executor::Last final : public Job {
 public:
  explicit Last(Executor& owner) : owner_(owner) {}
  void run() noexcept override { owner_.stop(); }
  void abandon() noexcept override {}

 private:
  Executor& owner_;
};

void Executor::stop_when_done() noexcept {
  if (!last_posted_.exchange(true)) abandon(post(make_job<Last>(*this)));
}

const void* Executor::innermost() noexcept {
  std::lock_guard lock(mutex_);
  return running_id();
}

bool Executor::waits_for(std::uint64_t chain) noexcept {
  if (!waiting_.load()) return false;
  std::lock_guard lock(mutex_);
  return std::find(waiting_chains_.begin(), waiting_chains_.end(), chain) != waiting_chains_.end();
}

bool Executor::interrupt(const Attached&, const void* id, std::uint64_t chain,
                         PyObject* exception) {
  {
    std::lock_guard lock(mutex_);
    Running* target = running_;
    while (target != nullptr && id != nullptr && target->id_ != id) target = target->below_;
    if (target == nullptr) return false;
    for (Running* above = running_; above != target; above = above->below_) {
      if (chain != 0 && above->chain_ == chain) above->wanted_ = exception;
    }
    target->wanted_ = exception;
    if (running_->wanted_ == nullptr) return true;
    raise_soon(std::exchange(running_->wanted_, nullptr));
  }
  waker_.wake();
  return true;
}

bool Executor::interrupt_again(const Attached&, const PyObject* exception) noexcept {
  std::lock_guard lock(mutex_);
  if (running_ == nullptr || running_->interruption_ != exception) return false;
  raise_soon(running_->interruption_);
  return true;
}

/// mutex_ held, attached. In the innermost work, of which there is some.
void Executor::raise_soon(PyObject* exception) noexcept {
  running_->interruption_ = exception;
  PyThreadState_SetAsyncExc(python_thread_, exception);
  interrupted_.store(true);
}

/// Own thread, attached, after an interruption: has the interpreter raised it?
bool Executor::is_raised() const noexcept { return PyThreadState_Get()->async_exc == nullptr; }

bool Executor::deliver_interrupt(const Attached&) noexcept {
  if (!interrupted_.exchange(false)) return false;
  if (is_raised()) {
    raised_ = running_->interruption_;
    return false;
  }
  PyThreadState_SetAsyncExc(python_thread_, nullptr);
  PyErr_SetNone(running_->interruption_);
  return true;
}

void Executor::forget_interruption() noexcept {
  raised_ = nullptr;
  if (interrupted_.load() && is_raised()) interrupted_.store(false);
}

void Executor::run(PyThreadState* state) {
  set_current(this);
  prctl(PR_SET_TIMERSLACK, 1);
  {
    AttachScope py(state);
    std::lock_guard lock(mutex_);
    python_thread_ = PyThread_get_thread_ident();
  }
  while (!stopped()) {
    {
      AttachScope py(state);
      serve();
      while (!stopped() && idler_ != nullptr) {
        std::exchange(idler_, nullptr)->before_sleep(py);
        serve();
      }
    }
    sleep();
  }
  {
    AttachScope py(state);
    set_idler(py, nullptr);
  }
  jobs_.close();
  wake_fd_.reset();  // now, not with the last of those who still know this executor
  set_current(nullptr);
}

void Executor::sleep() noexcept {
  const auto awake = [this] { return has_jobs() || stopped(); };
  if (spin_(awake)) return;
  if (exit_guard_) exit_guard_->look();
  const Nanos start = now();
  waker_.arm(wake_fd_.get());
  while (!awake()) {
    pollfd waiting{wake_fd_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, -1) > 0) break;
  }
  waker_.disarm(wake_fd_.get());
  spin_.slept_for(now() - start);
}

/// An idler that has not had its turn is work, too: code that holds the thread has begun since.
bool Executor::has_jobs() const noexcept {
  return idler_ != nullptr || raised_ != nullptr || interrupted_.load(std::memory_order_acquire) ||
         !jobs_.empty();
}

void Executor::set_idler(const Attached& py, Idler* idler) noexcept {
  Idler* const before = std::exchange(idler_, idler);
  if (before != nullptr) before->displaced(py);
}

bool Executor::run_jobs() noexcept {
  const Attached py = Attached::in_slot();
  if (deliver_interrupt(py)) return false;
  if (raised_ != nullptr) {
    PyErr_SetNone(std::exchange(raised_, nullptr));
    return false;
  }
  set_idler(py, nullptr);  // whose turn would only come when the code that waits here has ended
  serve();
  return true;
}

void Executor::serve() noexcept {
  // Jobs that come while these run wait for the next batch, so that a loop gets its turn.
  for (std::size_t batch = jobs_.count(); batch > 0; --batch) {
    const JobPtr job = jobs_.take();
    if (!job) return;
    job->run();
  }
}

Executor::Waited Executor::serve_chain_until(const Attached& py, std::uint64_t chain,
                                             const std::function<bool()>& done, Nanos deadline) {
  for (;;) {
    if (done()) return Waited::kDone;
    if (deliver_interrupt(py) || PyErr_CheckSignals() != 0) return Waited::kInterrupted;
    if (const JobPtr job = chain != 0 ? jobs_.take(chain) : nullptr) {
      job->run();
      continue;
    }
    // What is left is not ours to run now, and must not end the wait below again and again.
    static_cast<void>(jobs_.count());
    if (now() >= deadline) return Waited::kDeadline;
    Detached detached(py);
    const auto changed = [&] {
      return done() || jobs_.has_new() || interrupted_.load(std::memory_order_acquire);
    };
    if (spin_(changed)) continue;
    waker_.arm(wake_fd_.get());
    if (!changed()) {
      pollfd waiting{wake_fd_.get(), POLLIN, 0};
      const timespec left = to_timespec(deadline == kNever ? 0 : deadline - now());
      ::ppoll(&waiting, 1, deadline == kNever ? nullptr : &left, nullptr);
    }
    waker_.disarm(wake_fd_.get());
  }
}

}  // namespace ep
