// PendingCall: a call of an Erlang function from Python, until its answer comes or nobody waits.
//
// It is a NIF resource: the Erlang side answers through its reference (py_nif:callback_reply/2).
// The first answer counts; one that comes after the caller has given up is dropped.
//
// Two ways to wait: call() blocks a thread, an executor's serving its own call chain meanwhile;
// with start() the call is a job that its event loop runs when the answer is there.
#pragma once

#include <erl_nif.h>

#include <atomic>
#include <memory>

#include "base/clock.h"
#include "base/job.h"
#include "base/unique_fd.h"
#include "base/waker.h"
#include "beam/env.h"
#include "callback/bridge.h"
#include "cpython/attach.h"
#include "cpython/drop_queue.h"
#include "cpython/ref.h"
#include "loop/event_loop.h"
#include "runtime/executor.h"
#include "task/submission.h"

namespace ep::callback {

class PendingCall final : public Job {
 public:
  explicit PendingCall(Bridge& bridge);

  // Attached. Each may be used once, and makes the call.

  /// Waits for the result; null with a Python error set.
  PyRef call(const Attached&, PyObject* target, PyObject* const* arguments, Py_ssize_t count);

  /// The answer will settle `future`, on the thread of its `loop`, of whatever kind that is. False
  /// with a Python error set.
  bool start(const Attached&, PyObject* loop, PyObject* future, PyObject* target,
             PyObject* const* arguments, Py_ssize_t count);
  /// On the thread of that loop, when the answer is there.
  void settle(const Attached&) noexcept;

  // Any thread.

  /// Nobody waits for the answer any more: the Erlang process is killed. Null, for the caller's
  /// convenience.
  PyRef give_up();

  /// Ends it with an ErlangError, made in `env`: who should have answered has gone.
  void fail(ErlNifEnv* env);

  /// A scheduler, in a NIF: {ok, Value} | {error, Class, Reason, Stack}. False if nobody waits.
  bool answer(ERL_NIF_TERM result);

  void run(const Attached& py) noexcept override;
  void abandon() noexcept override {}

 private:
  friend class Bridge;

  void let_go() noexcept override { enif_release_resource(this); }
  void take_chain(const task::Submission* work);
  // `work`: for which the call is made, or null.
  bool send(const Attached&, const task::Submission* work, PyObject* target,
            PyObject* const* arguments, Py_ssize_t count);
  ERL_NIF_TERM message(const Attached&, ErlNifEnv* env, const task::Submission* work,
                       PyObject* target, PyObject* const* arguments, Py_ssize_t count);
  void settle_in_foreign_loop(const Attached&) noexcept;
  bool claim();
  PyRef result(const Attached&);
  bool wait_in_executor(const Attached&, Executor& executor, Nanos deadline);
  bool wait_in_thread(const Attached&, int wake_fd, Nanos deadline);
  bool wait_detached(const Attached&, int wake_fd, Nanos deadline);

  Bridge& bridge_;
  OwnedEnv env_;  // of result_
  ERL_NIF_TERM result_ = 0;
  std::atomic<bool> claimed_{false};  // by the answer, or by the caller giving up
  std::atomic<bool> answered_{false};

  // The list of those that wait for an answer; the bridge's.
  PendingCall* previous_ = nullptr;
  PendingCall* next_ = nullptr;
  bool expected_ = false;

  std::shared_ptr<Executor> executor_;  // that waits, or null
  std::uint64_t chain_ = 0;
  Waker waker_;  // of a thread that is no executor's

  // Or the future that waits, on its loop. Set before send(), emptied by run().
  DeferredRef loop_;
  DeferredRef future_;
  loop::EventLoop* settling_loop_ = nullptr;  // lives as long as loop_; null: not one of ours
  Executor* janitor_ = nullptr;               // of the interpreter that the future belongs to
};

}  // namespace ep::callback
