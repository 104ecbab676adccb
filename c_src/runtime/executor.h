// Executor: one OS thread, attached for life to one interpreter, that runs the jobs of a mailbox.
//
// Jobs run in the order of posting, in batches under one attach. While a job waits for an answer
// from Erlang (serve_chain_until), jobs of its own call chain run on top of it, no others do.
//
// Life: start() (or adopt(), for Python's main thread) ... stop(): what is queued is abandoned,
// what runs is told to end, and the thread goes as soon as Python lets it. The thread shares
// ownership, so an executor that Python code holds up for ever outlives everybody's interest in it,
// safely.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/job.h"
#include "base/spin.h"
#include "base/thread.h"
#include "base/thread_host.h"
#include "base/unique_fd.h"
#include "cpython/attach.h"
#include "cpython/interpreter.h"
#include "runtime/chain_mailbox.h"
#include "runtime/chain_waits.h"
#include "runtime/delayed_jobs.h"
#include "runtime/exit_guard.h"
#include "runtime/interruption.h"
#include "runtime/python_thread.h"
#include "runtime/work.h"

namespace ep {

class Executor;

/// A piece of user code that runs on an executor and can be interrupted: lives on its stack for as
/// long as the code runs.
class Running {
 public:
  using Reach = Interruption<PyObject*>::Reach;

  /// Attached, on the executor's thread. `chain` is the chain of nested calls that the work is part
  /// of, or 0.
  Running(const Attached&, Executor& executor, Work& work, std::uint64_t chain,
          Reach reach = Reach::kByName) noexcept;

 private:
  const Interruption<PyObject*>::Frame frame_;
};

/// Says, for its duration, that an executor's thread waits for an answer in a chain of nested
/// calls.
class ChainWait {
 public:
  /// On the executor's thread, before anybody can hand in work for the chain.
  ChainWait(Executor& executor, std::uint64_t chain);
  ~ChainWait();
  ChainWait(const ChainWait&) = delete;
  ChainWait& operator=(const ChainWait&) = delete;

 private:
  Executor& executor_;
};

/// What an executor does before it sleeps: the place where a hosted loop waits for a moment in its
/// own poller. After each set_idler() one of these is called, once, attached.
class Idler {
 public:
  /// May detach.
  virtual void before_sleep(const Attached&) noexcept = 0;
  /// Another idler has come instead, or the executor ends.
  virtual void displaced(const Attached&) noexcept = 0;

 protected:
  ~Idler() = default;
};

class Executor final : public ThreadHost, public std::enable_shared_from_this<Executor> {
 public:
  struct Config {
    std::string name;                       // of the thread
    Nanos max_spin = 50 * kMicrosecond;     // 0: never spin
    std::shared_ptr<ExitGuard> exit_guard;  // looked at before the thread sleeps, if there is one
    std::function<void(const Executor&)> ended;  // called on its thread, detached, at the end
    /// Called on its thread, detached, when it begins to sleep in a wait for an answer: what it has
    /// to do otherwise should be done elsewhere.
    std::function<void(const Executor&)> held_up;
  };

  explicit Executor(Config config);
  ~Executor();

  /// Runs on a new thread, with a new thread state of `interpreter`.
  void start(Interpreter& interpreter);

  /// Runs on the calling thread, with the (detached) thread state that it has; returns after
  /// stop().
  void adopt(Interpreter& interpreter, PyThreadState* state);

  /// Any thread. Null, or the job, given back: the executor has stopped.
  [[nodiscard]] JobPtr post(JobPtr job) noexcept;

  /// Any thread. Abandons what is queued and lets the thread end. Does not wait.
  void stop() noexcept;
  /// Any thread. As stop(), but after the jobs that are queued now.
  void stop_when_done() noexcept;
  bool stopped() const noexcept { return stopping_.load(std::memory_order_acquire); }
  bool join_until(Nanos deadline) { return thread_.join_until(deadline); }

  using Asked = Interruption<PyObject*>::Asked;
  using Ticket = Interruption<PyObject*>::Ticket;

  /// Attached, any thread of the same interpreter. Raises `exception`, a type that lives for ever,
  /// in `work` at its next bytecode or in its wait. If other work runs on top of it, then as soon
  /// as that has ended; and at once in what of that belongs to `chain`, since it works for this
  /// one.
  Asked interrupt(const Attached&, const Work& work, std::uint64_t chain, PyObject* exception);
  /// The same in what this ticket was for, unless that has ended.
  void interrupt(const Attached&, Ticket ticket, PyObject* exception);
  /// The same in whatever runs.
  void interrupt_innermost(const Attached&, PyObject* exception);
  /// Any thread. For what runs now; kNone if that is nothing, or not to be meant by name.
  Ticket innermost() noexcept { return interruption_.innermost(); }

  /// Any thread. Does this thread wait for an answer in a chain?
  bool waits() const noexcept { return waits_.any(); }
  /// Does it sleep in such a wait? Those that end at once don't count.
  bool is_held_up() const noexcept { return held_up_.load(); }
  /// In that chain?
  bool waits_for(std::uint64_t chain) noexcept { return waits_.has(chain); }

  /// Any thread, once it has been started.
  Interpreter& interpreter() const noexcept { return *interpreter_; }

  // The executor's own thread, attached.

  /// In a forked child (runtime/forked_child.h): what is queued is the parent's to do.
  void forget_jobs(const Attached&) noexcept;

  enum class Waited { kDone, kDeadline, kInterrupted };
  /// Runs jobs of `chain` until `done()`, or until `deadline`. kInterrupted: with a Python error
  /// set.
  Waited serve_chain_until(const Attached&, std::uint64_t chain, const std::function<bool()>& done,
                           Nanos deadline);
  /// At that time or, if something runs then, after it. Only on an executor without loops: it keeps
  /// the time while it has nothing else to do.
  void run_at(const Attached&, JobPtr job, Nanos time) { delayed_.add(std::move(job), time); }
  void set_idler(const Attached&, Idler* idler) noexcept;
  /// Does what runs now do so inside of a wait for an answer in a chain?
  bool inside_wait() const noexcept { return waits_.any(); }
  /// What the code that asks runs for, or is on top of if it is no user's; or null.
  Work* work() const noexcept { return interruption_.work(); }
  /// The number of that; 0 for nothing.
  std::uint64_t turn() noexcept { return static_cast<std::uint64_t>(innermost()); }
  /// `exception` has been raised and got lost, in a finalizer, say: if it is what interrupts the
  /// code that runs now, it is raised there once more.
  Interruption<PyObject*>::Again interrupt_again(const Attached&, PyObject* exception) noexcept {
    return interruption_.again(exception);
  }

  /// The executor whose thread this is, or null.
  static Executor* current() noexcept { return static_cast<Executor*>(ThreadHost::current()); }

  // ThreadHost
  Waker& waker() noexcept override { return waker_; }
  bool has_jobs() const noexcept override;
  bool run_jobs(const Attached& py) noexcept override;
  void forget_interruption() noexcept override;

 private:
  friend class ChainWait;
  friend class Running;

  class Last;

  void run(Interpreter& interpreter, PyThreadState* state);
  void serve(const Attached& py) noexcept;
  void sleep() noexcept;
  void say_held_up();
  Asked wake_for(Asked asked) noexcept;

  const std::string name_;
  const std::shared_ptr<ExitGuard> exit_guard_;
  const std::function<void(const Executor&)> ended_;
  const std::function<void(const Executor&)> on_held_up_;
  Interpreter* interpreter_ = nullptr;  // set before anybody else knows this
  Thread thread_;
  ChainMailbox jobs_;
  Waker waker_;
  UniqueFd wake_fd_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> last_posted_{false};
  ChainWaits waits_;
  std::atomic<bool> held_up_{false};
  PythonThread python_;
  Interruption<PyObject*> interruption_{python_};

  // Own thread only.
  bool in_forked_child_ = false;
  AdaptiveSpin spin_;
  Idler* idler_ = nullptr;
  DelayedJobs delayed_;
};

}  // namespace ep
