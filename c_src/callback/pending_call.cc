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
namespace {

constexpr const char* kTooLate = "the deadline of the call passed";

}  // namespace

PendingCall::PendingCall(Bridge& bridge) : bridge_(bridge) {}

// ---- asking

PyRef PendingCall::call(const Attached& py, PyObject* target, PyObject* const* arguments,
                        Py_ssize_t count) {
  const auto work = task::Submission::current(py);
  const Nanos deadline = work ? work->deadline() : kNever;
  take_chain(work.get());
  Executor* const executor = Executor::current();
  if (executor == nullptr) {
    const UniqueFd wake_fd(new_eventfd());  // may fail, which it must not once the call is made
    const task::StandIns::ThreadWait waiting(bridge_.services.stand_ins);
    const bool good = send(py, work.get(), target, arguments, count) &&
                      wait_in_thread(py, wake_fd.get(), deadline);
    return good ? result(py) : give_up();
  }
  executor_ = executor->shared_from_this();
  const ChainWait waiting(*executor, chain_);
  const bool good =
      send(py, work.get(), target, arguments, count) && wait_in_executor(py, *executor, deadline);
  return good ? result(py) : give_up();
}

bool PendingCall::start(const Attached& py, PyObject* loop, PyObject* future, PyObject* target,
                        PyObject* const* arguments, Py_ssize_t count) {
  const auto work = task::Submission::current(py);
  take_chain(work.get());
  const auto& drops = py.interpreter().drops;
  loop_ = DeferredRef(py, PyRef::borrow(loop), drops);
  future_ = DeferredRef(py, PyRef::borrow(future), drops);
  settling_loop_ = loop::EventLoop::from(loop);
  janitor_ = py.interpreter().janitor;
  if (send(py, work.get(), target, arguments, count)) return true;
  give_up();
  return false;
}

/// What Erlang calls in turn for this call belongs to the chain of the work that makes it.
void PendingCall::take_chain(const task::Submission* work) {
  chain_ = work != nullptr ? work->chain_number() : bridge_.services.last_chain.fetch_add(1) + 1;
}

bool PendingCall::send(const Attached& py, const task::Submission* work, PyObject* target,
                       PyObject* const* arguments, Py_ssize_t count) {
  const OwnedEnv env;
  const ERL_NIF_TERM term = message(py, env.get(), work, target, arguments, count);
  if (term == 0) return false;
  bridge_.expect_answer(this);
  if (bridge_.to_router(env, term)) return true;
  PyErr_SetString(PyExc_RuntimeError, "the application erlang_python is not running");
  return false;
}

/// {py_call, Ref, Target, Arguments, MillisecondsLeft | infinity, Chain, Loop | undefined}
ERL_NIF_TERM PendingCall::message(const Attached& py, ErlNifEnv* env, const task::Submission* work,
                                  PyObject* target, PyObject* const* arguments, Py_ssize_t count) {
  convert::Codec& codec = convert::codec_of(py);
  const Atoms& atoms = bridge_.services.beam.atoms;
  const convert::Options options = bridge_.sending(work);
  const Nanos deadline = work != nullptr ? work->deadline() : kNever;
  convert::Failure failure;
  ERL_NIF_TERM target_term;
  if (!codec.to_term(py, env, target, options, &target_term, failure)) {
    failure.raise(py, codec);
    return 0;
  }
  ERL_NIF_TERM list = enif_make_list(env, 0);
  for (Py_ssize_t i = count; i-- > 0;) {
    ERL_NIF_TERM term;
    if (!codec.to_term(py, env, arguments[i], options, &term, failure)) {
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
  task::HostedLoop* const host = executor_ ? task::HostedLoop::current(py) : nullptr;
  const ERL_NIF_TERM loop = host != nullptr ? enif_make_resource(env, host) : atoms.undefined;
  return enif_make_tuple7(env, atoms.py_call, enif_make_resource(env, this), target_term, list,
                          left, enif_make_uint64(env, chain_), loop);
}

// ---- the answer

bool PendingCall::answer(ERL_NIF_TERM result) {
  if (!claim()) return false;
  result_ = env_.copy(result);
  answered_.store(true, std::memory_order_seq_cst);
  if (future_) {
    enif_keep_resource(this);
    // No Python object is touched: the core lives as long as the loop object that we hold.
    ep::abandon(settling_loop_ != nullptr ? settling_loop_->post(JobPtr(this))
                                          : janitor_->post(JobPtr(this)));
  } else if (executor_) {
    executor_->waker().wake();
  } else {
    waker_.wake();
  }
  return true;
}

bool PendingCall::claim() {
  if (claimed_.exchange(true)) return false;
  bridge_.forget_answer(this);
  return true;
}

PyRef PendingCall::give_up() {
  if (!bridge_.services.forked.here() && claim()) {
    const OwnedEnv env;
    bridge_.to_router(env, enif_make_tuple2(env.get(), bridge_.services.beam.atoms.py_cancel,
                                            enif_make_resource(env.get(), this)));
  }
  return nullptr;
}

void PendingCall::fail(ErlNifEnv* env) {
  const Atoms& atoms = bridge_.services.beam.atoms;
  answer(enif_make_tuple4(env, atoms.error, enif_make_atom(env, "exit"), atoms.killed,
                          make_binary(env, "the process that passes calls on has ended")));
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
  PyErr_SetString(PyExc_TimeoutError, kTooLate);
  return false;
}

bool PendingCall::wait_in_thread(const Attached& py, int wake_fd, Nanos deadline) {
  if (wait_detached(py, wake_fd, deadline)) return true;
  PyErr_SetString(PyExc_TimeoutError, kTooLate);
  return false;
}

bool PendingCall::wait_detached(const Attached& py, int wake_fd, Nanos deadline) {
  const Detached detached(py);
  waker_.arm(wake_fd);
  while (!answered_.load(std::memory_order_seq_cst) && now() < deadline) {
    pollfd waiting{wake_fd, POLLIN, 0};
    const timespec left = to_timespec(deadline == kNever ? 0 : deadline - now());
    if (::ppoll(&waiting, 1, deadline == kNever ? nullptr : &left, nullptr) > 0) break;
  }
  waker_.disarm(wake_fd);
  return answered_.load(std::memory_order_seq_cst);
}

PyRef PendingCall::result(const Attached& py) {
  convert::Codec& codec = convert::codec_of(py);
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
  if (!reason) reason = failure.text_object(py);
  const PyRef stack = codec.to_object(py, env_.get(), fields[3], options, failure);
  if (!kind || !reason || !stack) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_SystemError, "malformed answer");
    return nullptr;
  }
  const PyRef error = PyRef::steal(
      PyObject_CallFunctionObjArgs(type.get(), kind.get(), reason.get(), stack.get(), nullptr));
  if (error) PyErr_SetObject(type.get(), error.get());
  return nullptr;
}

// ---- as a job of an event loop

void PendingCall::run(const Attached& py) noexcept {
  if (settling_loop_ != nullptr) {
    settle(py);
  } else {
    settle_in_foreign_loop(py);
  }
}

namespace {

constexpr const char* kAnswered = "_erlang.AnsweredCall";

/// `self` is `_erlang` and a capsule.
PyObject* settle_answered(PyObject* self, PyObject*) noexcept {
  return module_slot(PyTuple_GET_ITEM(self, 0), [&](const Attached& py) -> PyRef {
    void* const call = PyCapsule_GetPointer(PyTuple_GET_ITEM(self, 1), kAnswered);
    if (call == nullptr) return nullptr;
    static_cast<PendingCall*>(call)->settle(py);
    return PyRef::borrow(Py_None);
  });
}

}  // namespace

/// On the janitor: a loop of somebody else's has no other entrance for foreign threads. The result
/// is converted on the loop's own thread.
void PendingCall::settle_in_foreign_loop(const Attached& py) noexcept {
  // Static, as CPython keeps a pointer to it; constant.
  static PyMethodDef methods[] = {{"settle", settle_answered, METH_NOARGS, nullptr}};
  const PyRef loop = loop_.take(py);
  const PyRef capsule = PyRef::steal(PyCapsule_New(this, kAnswered, [](PyObject* self) {
    enif_release_resource(PyCapsule_GetPointer(self, kAnswered));
  }));
  if (capsule) enif_keep_resource(this);  // the capsule's reference
  const PyRef self =
      capsule ? PyRef::steal(PyTuple_Pack(2, py.interpreter().module, capsule.get())) : PyRef();
  const PyRef function = self ? PyRef::steal(PyCFunction_New(&methods[0], self.get())) : PyRef();
  const PyRef called = function ? PyRef::steal(PyObject_CallMethod(
                                      loop.get(), "call_soon_threadsafe", "O", function.get()))
                                : PyRef();
  if (!called) PyErr_Clear();  // the loop has closed: nobody waits
}

void PendingCall::settle(const Attached& py) noexcept {
  const PyRef loop = loop_.take(py);
  const PyRef future = future_.take(py);
  const PyRef value = result(py);
  const PyRef error = value ? PyRef() : take_error(py);
  const PyRef done = PyRef::steal(PyObject_CallMethod(future.get(), "done", nullptr));
  if (done.get() == Py_False) {
    // In parentheses, since a tuple would be taken for all the arguments.
    const PyRef set = PyRef::steal(
        value ? PyObject_CallMethod(future.get(), "set_result", "(O)", value.get())
              : PyObject_CallMethod(future.get(), "set_exception", "(O)", error.get()));
  }
  if (PyErr_Occurred()) PyErr_WriteUnraisable(future.get());
}

}  // namespace ep::callback
