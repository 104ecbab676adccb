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
#include <mutex>
#include <string>
#include <vector>

#include "base/job.h"
#include "base/spin.h"
#include "base/thread.h"
#include "base/thread_host.h"
#include "base/unique_fd.h"
#include "cpython/attach.h"
#include "runtime/chain_mailbox.h"
#include "runtime/exit_guard.h"

namespace ep {

class Executor;

/// A piece of user code that runs on an executor and can be interrupted: lives on its stack for as
/// long as the code runs.
class Running {
 public:
  /// `id` names the work, for interrupt(); `host` is whatever the work belongs to; `chain` is the
  /// chain of nested calls that it is part of, or 0. Attached, on the executor's thread.
  Running(const Attached&, Executor& executor, const void* id, const void* host,
          std::uint64_t chain);
  /// An interruption that has not been delivered yet is taken back: it must not hit later work.
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  friend class Executor;
  Executor& executor_;
  const void* const id_;
  const void* const host_;
  const std::uint64_t chain_;
  Running* const below_;
  // Types that live for ever.
  PyObject* wanted_ = nullptr;        // raised when what is above has ended
  PyObject* interruption_ = nullptr;  // raised, the last one
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
  };

  explicit Executor(Config config);
  ~Executor();

  /// Runs on a new thread, with a new thread state of `interpreter`.
  void start(PyInterpreterState* interpreter);

  /// Runs on the calling thread, with the (detached) thread state that it has; returns after
  /// stop().
  void adopt(PyThreadState* state);

  /// Any thread. Null, or the job, given back: the executor has stopped.
  [[nodiscard]] JobPtr post(JobPtr job) noexcept;

  /// Any thread. Abandons what is queued and lets the thread end. Does not wait.
  void stop() noexcept;
  /// Any thread. As stop(), but after the jobs that are queued now.
  void stop_when_done() noexcept;
  bool stopped() const noexcept { return stopping_.load(std::memory_order_acquire); }
  bool join_until(Nanos deadline) { return thread_.join_until(deadline); }

  /// Attached, any thread of the same interpreter. Raises `exception`, a type that lives for ever,
  /// in the work named `id` (null: the innermost) at its next bytecode or in its wait. If other
  /// work runs on top of it, then as soon as that has ended; and at once in what of that belongs to
  /// `chain`, since it works for this one. False if there is no such work here.
  bool interrupt(const Attached&, const void* id, std::uint64_t chain, PyObject* exception);

  /// Own thread, attached. `exception` got lost after it had been raised in the code that runs now,
  /// in a finalizer, say: if it is what interrupts this code, it is raised once more. False: it is
  /// not.
  bool interrupt_again(const Attached&, const PyObject* exception) noexcept;

  /// Any thread. What the innermost Running on this thread was given as its id, or null.
  const void* innermost() noexcept;

  /// Any thread. Does this thread wait for an answer in a chain?
  bool waits() const noexcept { return waiting_; }
  /// In that chain?
  bool waits_for(std::uint64_t chain) noexcept;

  // The executor's own thread, attached.

  enum class Waited { kDone, kDeadline, kInterrupted };
  /// Runs jobs of `chain` until `done()`, or until `deadline`. kInterrupted: with a Python error
  /// set.
  Waited serve_chain_until(const Attached&, std::uint64_t chain, const std::function<bool()>& done,
                           Nanos deadline);
  void set_idler(const Attached&, Idler* idler) noexcept;
  /// Does what runs now do so inside of a wait for an answer in a chain?
  bool inside_wait() const noexcept { return !waiting_chains_.empty(); }
  /// What the innermost Running on this thread was given, or null.
  const void* running_id() const noexcept { return running_ != nullptr ? running_->id_ : nullptr; }
  /// Is there code below what asks, which is none itself?
  bool is_busy() const noexcept { return running_ != nullptr; }
  const void* running_host() const noexcept {
    return running_ != nullptr ? running_->host_ : nullptr;
  }

  /// The executor whose thread this is, or null.
  static Executor* current() noexcept { return static_cast<Executor*>(ThreadHost::current()); }

  // ThreadHost
  Waker& waker() noexcept override { return waker_; }
  bool has_jobs() const noexcept override;
  bool run_jobs() noexcept override;
  void forget_interruption() noexcept override;

 private:
  friend class ChainWait;
  friend class Running;

  class Last;

  void run(PyThreadState* state);
  void serve() noexcept;
  void sleep() noexcept;
  void raise_soon(PyObject* exception) noexcept;
  bool is_raised() const noexcept;
  bool deliver_interrupt(const Attached&) noexcept;

  const std::string name_;
  const std::shared_ptr<ExitGuard> exit_guard_;
  const std::function<void(const Executor&)> ended_;
  Thread thread_;
  ChainMailbox jobs_;
  Waker waker_;
  UniqueFd wake_fd_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> last_posted_{false};
  std::atomic<bool> interrupted_{false};  // an asynchronous exception may be pending

  // Own thread only.
  AdaptiveSpin spin_;
  Idler* idler_ = nullptr;
  /// What the interpreter has raised in some callback of a blocking loop; which the loop has to
  /// raise, too, since tasks keep to themselves what is raised in them.
  PyObject* raised_ = nullptr;

  std::mutex mutex_;  // protects the following; never held while Python runs
  Running* running_ = nullptr;
  unsigned long python_thread_ = 0;
  std::vector<std::uint64_t> waiting_chains_;  // innermost last; changed by the own thread only
  std::atomic<bool> waiting_{false};           // so that waits_for() needs no lock, as a rule
};

}  // namespace ep
