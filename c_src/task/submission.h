// Submission: one piece of work that an Erlang process has asked for, from the NIF call that
// accepts it to the one reply that ends it.
//
// It is a NIF resource, and the job that does the work. Whoever has its claim decides how it ends
// (claim.h): by the result, an error, a cancellation that needs no reply, or the death of the loop.
// So there is exactly one terminal message, and none after a cancellation:
//
//   {async_result, Tag, {ok, Value} | {error, Reason}}       to the owner (docs/messages.md)
//
// Threads: constructed in a NIF; run() on the executor's thread; cancel() and fail() anywhere.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "base/job.h"
#include "beam/env.h"
#include "beam/kept_term.h"
#include "beam/resource.h"
#include "convert/codec.h"
#include "cpython/attach.h"
#include "cpython/drop_queue.h"
#include "cpython/ref.h"
#include "runtime/work.h"
#include "task/cancellation.h"
#include "task/claim.h"
#include "task/ledger.h"
#include "task/start_queue.h"

namespace ep::task {

class HostedLoop;
struct Services;
struct Problem;

enum class Where : std::uint8_t { kExecutor, kLoop };  // as a call, or inside the event loop

struct SubmissionSpec {
  ErlNifEnv* env;  // of the terms
  ErlNifPid owner;
  ERL_NIF_TERM tag;      // of the reply; 0: the submission's own reference
  ERL_NIF_TERM request;  // see task/invoke.h
  Where where = Where::kExecutor;
  convert::Options options;
  Nanos deadline = kNever;  // of the caller; what the work calls in turn inherits it
  std::uint64_t chain = 0;  // 0: starts a chain of its own
};

class Submission final : public Job, public Work, private Unwanted {
 public:
  Submission(Services& services, ResourceRef<HostedLoop> loop, const SubmissionSpec& spec);

  void run(const Attached& py) noexcept override;
  void abandon() noexcept override;
  Work& host() noexcept override;

  /// Any thread; `caller` is the NIF environment if that is a scheduler's, else null. Posts it to
  /// where it has to start. False: that has closed.
  [[nodiscard]] bool post(ErlNifEnv* caller) noexcept;
  /// By who has taken it out of its queue: starts it on this thread, which is that of `place`.
  void start_at(const Attached&, const ResourceRef<HostedLoop>& place) noexcept;
  /// By who has taken it out of its queue: ends it with {error, overloaded}.
  void refuse(ErlNifEnv* caller) noexcept;
  /// After a refused post(): kOurs if there has been no reply, and now there won't be one.
  Claim::Result withdraw() noexcept { return revoke(); }

  /// What the owner of a submission can expect.
  enum class [[nodiscard]] Cancelled : std::uint8_t{
      kNoReply,
      kReply,  // it has been sent, or is on its way
  };
  /// Any thread. Nobody wants the result any more: the work is skipped, interrupted or its task
  /// cancelled, and no reply is sent.
  Cancelled cancel() noexcept;

  /// Any thread; `caller` is the NIF environment if that is a scheduler's, else null. Ends it with
  /// {error, {executor_died, Why}}, and cancels the work.
  void fail_loop_died(ErlNifEnv* caller, ERL_NIF_TERM why) noexcept;

  /// Any thread.
  Claim::State progress() const noexcept { return claim_.state(); }

  /// The asyncio task of this submission is done.
  void finish_task(const Attached&, PyObject* task) noexcept;
  /// Its task has gone without ever being done.
  void lose_task(const Attached&) noexcept;

  const ErlNifPid& owner() const noexcept { return owner_; }
  Nanos deadline() const noexcept { return deadline_; }
  const convert::Options& options() const noexcept { return options_; }
  std::uint64_t chain_number() const noexcept { return chain_; }
  /// Which owes the reply.
  HostedLoop& loop() const noexcept { return *loop_; }
  /// On which it runs; as a rule the same.
  HostedLoop& place() const noexcept { return *place_.load(); }

  LedgerHook<Submission> ledger_hook;  // the ledger's
  StartHook start_hook;                // its queue's

  /// The submission that the code on this thread works for: as a call, in a task, or in whatever
  /// inherits a task's context. Null if there is none, or it has been answered.
  static ResourceRef<Submission> current(const Attached&) noexcept;

 private:
  class SecondLook;

  void let_go() noexcept override { enif_release_resource(this); }
  /// Part of it, or itself, for a queue: keeps it alive.
  JobPtr queued(Job* part) noexcept {
    enif_keep_resource(this);
    return JobPtr(part);
  }
  KeptTerm::Placed request(ErlNifEnv* scratch) const noexcept;
  ERL_NIF_TERM tag(const OwnedEnv& env) noexcept;
  Claim::Result revoke() noexcept;
  /// Its turn to go on with a ScheduleMarker.
  class Continuation;

  StartQueue& queue() const noexcept;
  bool is_waited_for() const noexcept;
  bool post_as(ErlNifEnv* caller, JobPtr job, bool is_ticket) noexcept;
  void redeem(const Attached&, bool is_ticket) noexcept;
  void give_back(bool is_ticket) noexcept;
  void perform_pending(const Attached&) noexcept;
  void perform(const Attached&);
  void handle(const Attached&, PyRef value);
  void continue_later();
  void start_task(const Attached&, PyObject* awaitable);
  void cancel_task(const Attached&) noexcept;

  // Unwanted, attached
  void post_to_janitor(Job& job) noexcept override;
  void release() noexcept override { enif_release_resource(this); }
  Code interrupt_code(const Attached&) noexcept override;
  bool has_task() const noexcept override { return task_started_.load(); }
  bool is_step_running(const Attached&) const noexcept override;
  void look_again_at(const Attached&, Nanos time) noexcept override;
  void post_to_loop(Job& job) noexcept override;
  void end_task(const Attached&) noexcept override;

  void succeed(const Attached&, PyObject* value) noexcept;
  void fail(const Attached&, const Problem& problem) noexcept;
  void fail_with_error(const Attached&) noexcept;
  /// How the reply gets into the owner's mailbox. A copy takes as much memory as it needs; what is
  /// moved keeps the memory that it was made in, which is a lot for something small.
  enum class Send : std::uint8_t { kCopy, kMove };
  void reply(ErlNifEnv* caller, const OwnedEnv& env, ERL_NIF_TERM result, Send send) noexcept;
  void reply_error(ErlNifEnv* caller, const OwnedEnv& env, ERL_NIF_TERM reason) noexcept;

  Services& services_;
  const ResourceRef<HostedLoop> loop_;
  std::atomic<HostedLoop*> place_;
  ResourceRef<HostedLoop> other_place_;  // keeps it alive, if it is not loop_
  const std::uint64_t chain_;
  bool is_ticket_ = false;  // as a job it stands for the oldest of its queue
  const ErlNifPid owner_;
  const bool has_tag_;
  const KeptTerm terms_;  // {Tag, Request} or, if it has no tag, Request
  const Where where_;
  const convert::Options options_;
  const Nanos deadline_;
  Claim claim_;
  Cancellation cancellation_{*this};
  std::atomic<bool> task_started_{false};

  // Attached, on the executor's thread. Deferred, since the last term may die on a scheduler.
  DeferredRef task_;
  DeferredRef continuation_;  // a ScheduleMarker whose turn comes with the next run()
};

}  // namespace ep::task
