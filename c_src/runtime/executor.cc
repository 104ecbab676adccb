#include "runtime/executor.h"

#include <poll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <utility>

#include "cpython/ref.h"
#include "runtime/forked_child.h"

namespace ep {
namespace {

/// True: the eventfd is readable. False: the time is over, or a signal came.
bool wait_for(int eventfd, Nanos deadline) noexcept {
  pollfd waiting{eventfd, POLLIN, 0};
  const timespec left = to_timespec(deadline == kNever ? 0 : std::max<Nanos>(deadline - now(), 0));
  return ::ppoll(&waiting, 1, deadline == kNever ? nullptr : &left, nullptr) > 0;
}

}  // namespace

Running::Running(const Attached&, Executor& executor, Work& work, std::uint64_t chain,
                 Reach reach) noexcept
    : frame_(executor.interruption_, work, chain, reach) {}

ChainWait::ChainWait(Executor& executor, std::uint64_t chain) : executor_(executor) {
  executor_.waits_.enter(chain);
}

ChainWait::~ChainWait() {
  executor_.waits_.leave();
  executor_.held_up_.store(false);
}

Executor::Executor(Config config)
    : name_(std::move(config.name)),
      exit_guard_(std::move(config.exit_guard)),
      ended_(std::move(config.ended)),
      on_held_up_(std::move(config.held_up)),
      wake_fd_(new_eventfd()),
      spin_(config.max_spin) {}

Executor::~Executor() = default;

void Executor::start(Interpreter& interpreter) {
  interpreter_ = &interpreter;
  thread_ = Thread(name_, [self = shared_from_this(), &interpreter] {
    if (PyThreadState* const state = PyThreadState_New(interpreter.state)) {
      self->run(interpreter, state);
      PyEval_RestoreThread(state);
      PyThreadState_Clear(state);
      PyThreadState_DeleteCurrent();
    } else {
      self->stop();
    }
    if (self->ended_) self->ended_(*self);
  });
}

void Executor::adopt(Interpreter& interpreter, PyThreadState* state) {
  interpreter_ = &interpreter;
  run(interpreter, state);
}

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
  void run(const Attached&) noexcept override { owner_.stop(); }
  void abandon() noexcept override {}

 private:
  Executor& owner_;
};

void Executor::stop_when_done() noexcept {
  if (!last_posted_.exchange(true)) abandon(post(make_job<Last>(*this)));
}

Executor::Asked Executor::wake_for(Asked asked) noexcept {
  if (asked == Asked::kNow) waker_.wake();
  return asked;
}

Executor::Asked Executor::interrupt(const Attached&, const Work& work, std::uint64_t chain,
                                    PyObject* exception) {
  return wake_for(interruption_.ask(work, chain, exception));
}

void Executor::interrupt(const Attached&, Ticket ticket, PyObject* exception) {
  static_cast<void>(wake_for(interruption_.ask(ticket, exception)));
}

void Executor::interrupt_innermost(const Attached&, PyObject* exception) {
  static_cast<void>(wake_for(interruption_.ask_innermost(exception)));
}

void Executor::forget_interruption() noexcept { interruption_.settle(); }

void Executor::run(Interpreter& interpreter, PyThreadState* state) {
  set_current(this);
  prctl(PR_SET_TIMERSLACK, 1);
  {
    const AttachScope py(interpreter, state);
    python_.enter(py);
  }
  while (!stopped()) {
    {
      const AttachScope py(interpreter, state);
      serve(py);
      if (in_forked_child_) ForkedChild::leave(0);  // what forked had no end of its own
      while (!stopped() && idler_ != nullptr) {
        std::exchange(idler_, nullptr)->before_sleep(py);
        serve(py);
      }
    }
    sleep();
  }
  {
    const AttachScope py(interpreter, state);
    set_idler(py, nullptr);
  }
  jobs_.close();
  wake_fd_.reset();  // now, not with the last of those who still know this executor
  set_current(nullptr);
}

void Executor::sleep() noexcept {
  const Nanos until = delayed_.next();
  const auto awake = [&] { return has_jobs() || stopped() || (until != kNever && until <= now()); };
  if (spin_(awake)) return;
  if (exit_guard_) exit_guard_->look();
  const Nanos start = now();
  waker_.arm(wake_fd_.get());
  while (!awake() && !wait_for(wake_fd_.get(), until)) {
  }
  waker_.disarm(wake_fd_.get());
  spin_.slept_for(now() - start);
}

/// An idler that has not had its turn is work, too: code that holds the thread has begun since.
bool Executor::has_jobs() const noexcept {
  using State = Interruption<PyObject*>::State;
  const State state = interruption_.state();
  return idler_ != nullptr || state == State::kPending || state == State::kRaised || !jobs_.empty();
}

void Executor::forget_jobs(const Attached&) noexcept {
  in_forked_child_ = true;
  jobs_.forget();
  idler_ = nullptr;
}

void Executor::set_idler(const Attached& py, Idler* idler) noexcept {
  Idler* const before = std::exchange(idler_, idler);
  if (before != nullptr) before->displaced(py);
}

bool Executor::run_jobs(const Attached& py) noexcept {
  if (const auto exception = interruption_.take_for_loop()) {
    PyErr_SetNone(*exception);
    return false;
  }
  set_idler(py, nullptr);  // whose turn would only come when the code that waits here has ended
  serve(py);
  return true;
}

void Executor::serve(const Attached& py) noexcept {
  if (delayed_.next() != kNever) {
    while (const JobPtr job = delayed_.take_due(now())) job->run(py);
  }
  // Jobs that come while these run wait for the next batch, so that a loop gets its turn.
  for (std::size_t batch = jobs_.count(); batch > 0; --batch) {
    const JobPtr job = jobs_.take();
    if (!job) return;
    job->run(py);
  }
}

/// Own thread, detached. Who hands in work looks at held_up_ after that, so one of the two sees the
/// other.
void Executor::say_held_up() {
  if (waits() && !held_up_.exchange(true) && on_held_up_) on_held_up_(*this);
}

Executor::Waited Executor::serve_chain_until(const Attached& py, std::uint64_t chain,
                                             const std::function<bool()>& done, Nanos deadline) {
  for (;;) {
    if (done()) return Waited::kDone;
    if (const auto exception = interruption_.take_for_wait()) {
      PyErr_SetNone(*exception);
      return Waited::kInterrupted;
    }
    if (PyErr_CheckSignals() != 0) return Waited::kInterrupted;
    // What this leaves is not ours to run now, and does not end the wait below.
    if (const JobPtr job = jobs_.take_of(chain)) {
      job->run(py);
      continue;
    }
    if (now() >= deadline) return Waited::kDeadline;
    Detached detached(py);
    const auto changed = [&] {
      return done() || jobs_.has_new() ||
             interruption_.state() == Interruption<PyObject*>::State::kPending;
    };
    if (spin_(changed)) continue;
    say_held_up();
    waker_.arm(wake_fd_.get());
    if (!changed()) wait_for(wake_fd_.get(), deadline);
    waker_.disarm(wake_fd_.get());
  }
}

}  // namespace ep
