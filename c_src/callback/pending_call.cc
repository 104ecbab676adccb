#include "callback/pending_call.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "beam/binary.h"
#include "cpython/error.h"
#include "cpython/slot.h"
#include "task/hosted_loop.h"
#include "task/submission.h"

namespace ep::callback {

PendingCall::PendingCall(Bridge& bridge) : bridge_(bridge) {}

// ---- asking

bool PendingCall::send(const Attached& py, PyObject* target, PyObject* const* arguments,
                       Py_ssize_t count, Nanos deadline) {
  if (Executor* const executor = Executor::current(); executor != nullptr && !future_) {
    executor_ = executor->shared_from_this();
    chain_ = executor->current_chain();
    if (chain_ == 0) chain_ = bridge_.services.last_chain.fetch_add(1) + 1;
  }
  const OwnedEnv env;
  const ERL_NIF_TERM term = message(py, env.get(), target, arguments, count, deadline);
  if (term == 0) return false;
  if (bridge_.to_router(env, term)) return true;
  PyErr_SetString(PyExc_RuntimeError, "the application erlang_python is not running");
  return false;
}

/// {py_call, Ref, Target, Arguments, MillisecondsLeft | infinity, Chain, Loop | undefined}
ERL_NIF_TERM PendingCall::message(const Attached& py, ErlNifEnv* env, PyObject* target,
                                  PyObject* const* arguments, Py_ssize_t count, Nanos deadline) {
  convert::Codec& codec = *bridge_.services.codec;
  const Atoms& atoms = bridge_.services.beam.atoms;
  convert::Failure failure;
  ERL_NIF_TERM target_term;
  if (!codec.to_term(py, env, target, &target_term, failure)) {
    failure.raise(py, codec);
    return 0;
  }
  ERL_NIF_TERM list = enif_make_list(env, 0);
  for (Py_ssize_t i = count; i-- > 0;) {
    ERL_NIF_TERM term;
    if (!codec.to_term(py, env, arguments[i], &term, failure)) {
      failure.in_element(static_cast<std::size_t>(i));
      failure.raise(py, codec);
      return 0;
    }
    list = enif_make_list_cell(env, term, list);
  }
  ERL_NIF_TERM left = atoms.infinity;
  if (deadline != kNever) {
    left = enif_make_int64(env, std::max<Nanos>(deadline - now(), 0) / kMillisecond);
  }
  const void* const host = executor_ ? executor_->running_host() : nullptr;
  const ERL_NIF_TERM loop =
      host != nullptr ? enif_make_resource(env, const_cast<void*>(host)) : atoms.undefined;
  return enif_make_tuple7(env, atoms.py_call, enif_make_resource(env, this), target_term, list,
                          left, enif_make_uint64(env, chain_), loop);
}

void PendingCall::settle(const Attached& py, loop::EventLoop& loop, PyObject* future) {
  const auto& drops = bridge_.services.codec->drops();
  loop_ = DeferredRef(py, PyRef::borrow(loop.object()), drops);
  future_ = DeferredRef(py, PyRef::borrow(future), drops);
  settling_loop_ = &loop;
}

// ---- the answer

bool PendingCall::answer(ERL_NIF_TERM result) {
  if (claimed_.exchange(true)) return false;
  result_ = env_.copy(result);
  answered_.store(true, std::memory_order_seq_cst);
  if (future_) {
    enif_keep_resource(this);
    // No Python object is touched: the core lives as long as the loop object that we hold.
    if (!settling_loop_->post(this)) enif_release_resource(this);
  } else if (executor_) {
    executor_->waker().wake();
  } else {
    waker_.wake();
  }
  return true;
}

void PendingCall::give_up() {
  if (claimed_.exchange(true)) return;
  const OwnedEnv env;
  bridge_.to_router(env, enif_make_tuple2(env.get(), bridge_.services.beam.atoms.py_cancel,
                                          enif_make_resource(env.get(), this)));
}

PyRef PendingCall::wait(const Attached& py, Nanos deadline) {
  const bool good = executor_ ? wait_in_executor(py, *executor_, deadline)
                              : wait_in_thread(py);
  if (!good) {
    give_up();
    return nullptr;
  }
  return result(py);
}

bool PendingCall::wait_in_executor(const Attached& py, Executor& executor, Nanos deadline) {
  const auto done = [this] { return answered_.load(std::memory_order_acquire); };
  switch (executor.serve_chain_until(py, chain_, done, deadline)) {
    case Executor::Waited::kDone:
      return true;
    case Executor::Waited::kInterrupted:
      return false;
    case Executor::Waited::kDeadline:
      break;
  }
  PyErr_SetString(PyExc_TimeoutError, "the deadline of the call passed");
  return false;
}

bool PendingCall::wait_in_thread(const Attached& py) {
  const UniqueFd wake_fd(new_eventfd());
  const Detached detached(py);
  waker_.arm(wake_fd.get());
  while (!answered_.load(std::memory_order_seq_cst)) {
    pollfd waiting{wake_fd.get(), POLLIN, 0};
    if (::poll(&waiting, 1, -1) > 0) break;
  }
  waker_.disarm(wake_fd.get());
  return true;
}

PyRef PendingCall::result(const Attached& py) {
  convert::Codec& codec = *bridge_.services.codec;
  int arity;
  const ERL_NIF_TERM* fields;
  enif_get_tuple(env_.get(), result_, &arity, &fields);
  const convert::Options options;
  convert::Failure failure;
  if (arity == 2) {
    PyRef value = codec.to_object(py, env_.get(), fields[1], options, failure);
    if (!value) failure.raise(py, codec);
    return value;
  }
  const PyRef type = codec.error_type(py, "ErlangError");
  if (!type) return nullptr;
  const PyRef kind = codec.name(py, env_.get(), fields[1]);
  PyRef reason = codec.to_object(py, env_.get(), fields[2], options, failure);
  if (!reason) reason = PyRef::steal(PyUnicode_FromString(failure.text().c_str()));
  const PyRef stack = codec.to_object(py, env_.get(), fields[3], options, failure);
  if (!kind || !reason || !stack) return nullptr;
  const PyRef error = PyRef::steal(
      PyObject_CallFunctionObjArgs(type.get(), kind.get(), reason.get(), stack.get(), nullptr));
  if (error) PyErr_SetObject(type.get(), error.get());
  return nullptr;
}

// ---- as a job of an event loop

void PendingCall::run() noexcept {
  const auto reference = ResourceRef<PendingCall>::adopt(this);
  const Attached py = Attached::in_slot();
  const DeferredRef loop = std::move(loop_);
  const DeferredRef future = std::move(future_);
  const PyRef value = result(py);
  const PyRef error = value ? PyRef() : take_error(py);
  const PyRef done = PyRef::steal(PyObject_CallMethod(future.get(py), "done", nullptr));
  if (done.get() == Py_False) {
    const PyRef set = PyRef::steal(
        value ? PyObject_CallMethod(future.get(py), "set_result", "O", value.get())
              : PyObject_CallMethod(future.get(py), "set_exception", "O", error.get()));
  }
  if (PyErr_Occurred()) PyErr_WriteUnraisable(future.get(py));
}

void PendingCall::abandon() noexcept { enif_release_resource(this); }

}  // namespace ep::callback
