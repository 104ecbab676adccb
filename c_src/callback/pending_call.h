// PendingCall: a call of an Erlang function from Python, until its answer comes or nobody waits.
//
// It is a NIF resource: the Erlang side answers through its reference (py_nif:callback_reply/2).
// The first answer counts; one that comes after the caller has given up is dropped.
//
// Two ways to wait: wait() blocks a thread, an executor's serving its own call chain meanwhile;
// otherwise the call is a job that its event loop runs when the answer is there.
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

namespace ep::callback {

class PendingCall final : public Job {
 public:
  explicit PendingCall(Bridge& bridge);

  /// Attached. Sends the call to the router. False with a Python error set.
  bool send(const Attached&, PyObject* target, PyObject* const* arguments, Py_ssize_t count,
            Nanos deadline);

  /// Attached, in the thread that called send(). The result, or null with a Python error set.
  PyRef wait(const Attached&, Nanos deadline);

  /// Attached, before send(): the answer will settle `future`, on the thread of its `loop`.
  void settle(const Attached&, loop::EventLoop& loop, PyObject* future);

  /// A scheduler, in a NIF: {ok, Value} | {error, Class, Reason, Stack}. False if nobody waits.
  bool answer(ERL_NIF_TERM result);

  void run() noexcept override;
  void abandon() noexcept override;

 private:
  ERL_NIF_TERM message(const Attached&, ErlNifEnv* env, PyObject* target,
                       PyObject* const* arguments, Py_ssize_t count, Nanos deadline);
  PyRef result(const Attached&);
  void give_up();
  bool wait_in_executor(const Attached&, Executor& executor, Nanos deadline);
  bool wait_in_thread(const Attached&);  // such a thread works for no call, so it has no deadline

  Bridge& bridge_;
  OwnedEnv env_;  // of result_
  ERL_NIF_TERM result_ = 0;
  std::atomic<bool> claimed_{false};  // by the answer, or by the caller giving up
  std::atomic<bool> answered_{false};

  std::shared_ptr<Executor> executor_;  // that waits, or null
  std::uint64_t chain_ = 0;
  Waker waker_;  // of a thread that is no executor's

  // Or the future that waits, on its loop. Set before send(), emptied by run().
  DeferredRef loop_;
  DeferredRef future_;
  loop::EventLoop* settling_loop_ = nullptr;  // lives as long as loop_
};

}  // namespace ep::callback
