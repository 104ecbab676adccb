// HostedLoop: an event loop that an executor runs for Erlang, and where submissions are handed in.
//
// It is ticked when it has work and parked when it has none; a parked loop costs no thread and no
// descriptor of the VM's beyond its poller's. The Python loop is made on first use, on the
// executor's thread, and never leaves it. A context (py_context) is a hosted loop that has its
// executor to itself, on which calls run directly.
//
// Its states have their own files: parked or at work (parking.h), the descriptor that the VM waits
// for (shared_poller.h), what came too early (early_jobs.h), what it owes (ledger.h).
//
// It is a NIF resource. Any thread unless said otherwise.
#pragma once

#include <atomic>
#include <memory>

#include "base/clock.h"
#include "base/job.h"
#include "beam/resource.h"
#include "cpython/attach.h"
#include "cpython/drop_queue.h"
#include "loop/event_loop.h"
#include "runtime/executor.h"
#include "task/descriptor_events.h"
#include "task/early_jobs.h"
#include "task/ledger.h"
#include "task/loop_worker.h"
#include "task/parking.h"
#include "task/shared_poller.h"
#include "task/start_queue.h"

namespace ep::task {

struct Services;
class Submission;

class HostedLoop final : public Work, public loop::EventLoop::Notifier, public Idler {
 public:
  enum class Accepted { kYes, kOverloaded, kClosed };

  HostedLoop(Services& services, std::shared_ptr<Executor> executor, bool owns_executor);
  ~HostedLoop() override;

  Accepted submit(ErlNifEnv* env, Submission* submission);
  /// Runs `job` inside the loop; used for cancellations and continuations. Null, or the job, given
  /// back: it has closed.
  [[nodiscard]] JobPtr post_to_loop(JobPtr job) noexcept;

  /// The process that waits for this loop while it is parked; if it dies, the loop closes. False:
  /// it is dead.
  bool set_worker(ErlNifEnv* env, const ErlNifPid& worker);
  /// The worker: waits for the poller of a parked loop. False if there is nothing to wait for.
  bool arm(ErlNifEnv* env);
  /// The worker: I/O or the timer asked for with park number `sequence` has come.
  void wake(std::uint64_t sequence) noexcept;

  /// Ends the loop: all it owes is answered with {executor_died, Why}, its tasks are cancelled, the
  /// Python loop is closed and, if owned, the executor stopped. Does not wait. `caller` as in
  /// Submission::fail_loop_died(). The VM's poll set can only be left with one, so if that was
  /// null, again later.
  void close(ErlNifEnv* caller, ERL_NIF_TERM why) noexcept;

  /// Descriptors watched for Erlang. Throws std::system_error.
  DescriptorEvents& descriptor_events() { return descriptor_events_.get(); }
  /// Nobody waits for these any more, since the application stops.
  void end_polls() noexcept { descriptor_events_.end(); }

  /// convert::Options::none of what is submitted here and does not say; 0: the application's.
  void set_none(ERL_NIF_TERM atom) noexcept { none_ = atom; }
  ERL_NIF_TERM none() const noexcept { return none_; }

  bool closing() const noexcept { return life_ != Life::kOpen; }
  /// It has been closed, or its thread is at its end: nothing more is taken in.
  bool ended() const noexcept {
    return closing() || descriptor_events_.ended() || executor_->stopped();
  }
  Executor& executor() const noexcept { return *executor_; }
  const std::shared_ptr<Executor>& shared_executor() const noexcept { return executor_; }
  Ledger<Submission>& ledger() noexcept { return ledger_; }
  Services& services() noexcept { return services_; }

  /// Accepted and not started, as calls and as tasks.
  StartQueue& calls() noexcept { return calls_; }
  StartQueue& tasks() noexcept { return tasks_; }
  /// May others start its work when its thread waits for Erlang? Not that of a context that
  /// somebody has made for its thread.
  bool shares_work() const noexcept { return shares_work_.load(); }
  void share_work() noexcept { shares_work_.store(true); }
  /// Has its executor, a context's own, nothing to do?
  bool is_free() noexcept;
  /// Something that another loop owes runs here.
  void has_guest() noexcept { had_guests_.store(true); }

  /// Executor's thread. The Python loop, borrowed, made if need be; null with a Python error set.
  PyObject* python_loop(const Attached&);

  /// Executor's thread. A context that has had nothing to do for as long, and whose loop has
  /// nothing in it, stands in for nobody any more, and its worker is told to retire.
  void retire_if_idle(const Attached&, Nanos idle) noexcept;

  /// Executor's thread. Code outside of the loop has run, which may have given the loop work.
  void look_for_work() noexcept;

  /// The loop whose thread this is, if it runs Python code for one; or null.
  static HostedLoop* current(const Attached&) noexcept;

  // Callbacks of others.
  Work& host() noexcept override { return *this; }
  void notify() noexcept override;
  void before_sleep(const Attached&) noexcept override;
  void displaced(const Attached&) noexcept override;
  static void down(ErlNifEnv*, HostedLoop*, ErlNifPid*, ErlNifMonitor*);
  static void stop(ErlNifEnv*, HostedLoop*, ErlNifEvent, int is_direct);

 private:
  /// A job that is part of the loop and posted at most once at a time; it keeps the loop alive
  /// meanwhile.
  class Part : public Job {
   public:
    Part(HostedLoop& owner, void (HostedLoop::*body)(const Attached&))
        : owner_(owner), body_(body) {}
    void run(const Attached& py) noexcept override { (owner_.*body_)(py); }
    void abandon() noexcept override {}

   private:
    void let_go() noexcept override { enif_release_resource(&owner_); }

    HostedLoop& owner_;
    void (HostedLoop::*const body_)(const Attached&);
  };

  void queue(Part& part) noexcept;
  void tick(const Attached&);
  bool run_ticks(const Attached&, loop::EventLoop& loop);
  [[noreturn]] void end_forked_child(const Attached&, loop::EventLoop& loop, bool ok);
  void finish(const Attached&);
  bool create_loop(const Attached&);
  void fail_early(const Attached&) noexcept;
  void linger(const Attached&);
  void park(const Attached&) noexcept;
  void tell_worker(const loop::EventLoop& loop) noexcept;

  enum class Life : std::uint8_t {
    kOpen,
    kClosing,   // nothing gets in, and all that it owed is answered
    kFinished,  // its tasks have been cancelled and the Python loop is closed: it is ticked no more
  };

  Services& services_;
  const std::shared_ptr<Executor> executor_;
  const bool owns_executor_;
  std::atomic<Life> life_{Life::kOpen};
  Parking parking_;
  SharedPoller poller_;
  LoopWorker worker_;
  EarlyJobs early_;
  Ledger<Submission> ledger_;
  DescriptorEventsOnUse descriptor_events_;
  StartQueue calls_;
  StartQueue tasks_;
  std::atomic<bool> shares_work_;
  std::atomic<bool> had_guests_{false};
  Part tick_{*this, &HostedLoop::tick};
  Part finish_{*this, &HostedLoop::finish};
  std::atomic<ERL_NIF_TERM> none_{0};
  std::atomic<loop::EventLoop*> loop_{nullptr};  // set once, after python_loop_

  // Executor's thread, attached.
  DeferredRef python_loop_;  // deferred, since the last term may die on a scheduler
  Nanos last_active_ = 0;
};

}  // namespace ep::task
