#include "callback/methods.h"

#include <errno.h>
#include <time.h>

#include <algorithm>
#include <memory>
#include <new>

#include "callback/pending_call.h"
#include "cpython/heap_type.h"
#include "cpython/slot.h"
#include "task/hosted_loop.h"
#include "task/submission.h"

namespace ep::callback {
namespace {

constexpr const char* kStartedCall = "_erlang.StartedCall";

Bridge& bridge_of(const Attached& py) { return py.interpreter().callback->bridge; }

PyRef type_error(const char* text) {
  PyErr_SetString(PyExc_TypeError, text);
  return nullptr;
}

bool is_target(const Attached& py, PyObject* object) {
  return PyUnicode_Check(object) || convert::codec_of(py).is_fun(object);
}

PyDoc_STRVAR(kCallDoc,
             "call(name, *args)\n--\n\n"
             "Call a registered Erlang function, or an erlang.Fun, and wait for its result.\n\n"
             "Any thread; the GIL is released meanwhile. The function runs exactly once, in an\n"
             "Erlang process of its own. Raises ErlangError if it fails, ConversionError if an\n"
             "argument or the result can't be converted, TimeoutError when the deadline of the\n"
             "Erlang call that this code works for passes.");

PyObject* call(PyObject* module, PyObject* const* arguments, Py_ssize_t count) noexcept {
  return module_slot(module, [&](const Attached& py) -> PyRef {
    Bridge& bridge = bridge_of(py);
    if (!bridge.reaches_erlang(py)) return nullptr;
    if (count < 1 || !is_target(py, arguments[0])) {
      return type_error("call() needs the name of a registered function, or an erlang.Fun");
    }
    return bridge.calls.make(bridge)->call(py, arguments[0], arguments + 1, count - 1);
  });
}

PyDoc_STRVAR(
    kStartCallDoc,
    "start_call(loop, future, name, *args)\n--\n\n"
    "Call an Erlang function without waiting; its result or error settles `future`, a\n"
    "future of `loop`, an asyncio event loop of any kind. Gives what cancel_call() takes.");

PyObject* start_call(PyObject* module, PyObject* const* arguments, Py_ssize_t count) noexcept {
  return module_slot(module, [&](const Attached& py) -> PyRef {
    Bridge& bridge = bridge_of(py);
    if (!bridge.reaches_erlang(py)) return nullptr;
    if (count < 3 || !is_target(py, arguments[2])) {
      return type_error("start_call() needs a loop, a future and a function");
    }
    auto pending = bridge.calls.make(bridge);
    if (!pending->start(py, arguments[0], arguments[1], arguments[2], arguments + 3, count - 3)) {
      return nullptr;
    }
    PyRef capsule = PyRef::steal(PyCapsule_New(pending.get(), kStartedCall, [](PyObject* self) {
      enif_release_resource(PyCapsule_GetPointer(self, kStartedCall));
    }));
    if (capsule) static_cast<void>(pending.release());
    return capsule;
  });
}

PyDoc_STRVAR(kCancelCallDoc,
             "cancel_call(call)\n--\n\n"
             "Nobody waits any more for what start_call() has started: the process that runs the\n"
             "function is killed, unless it has answered.");

PyObject* cancel_call(PyObject* module, PyObject* call) noexcept {
  return module_slot(module, [&](const Attached&) -> PyRef {
    void* const pending = PyCapsule_GetPointer(call, kStartedCall);
    if (pending == nullptr) return nullptr;
    static_cast<PendingCall*>(pending)->give_up();
    return PyRef::borrow(Py_None);
  });
}

/// The local process that an atom names. False if there is none.
bool registered_pid(const Attached& py, PyObject* atom, ErlNifPid* pid) {
  ERL_NIF_TERM name;
  return convert::codec_of(py).get_term(atom, &name) && enif_whereis_pid(nullptr, name, pid) != 0;
}

PyDoc_STRVAR(kSendDoc,
             "send(destination, message)\n--\n\n"
             "Send a message to a process: an erlang.Pid of any node, the name it is registered\n"
             "under, or a tuple (name, node). Never waits. As in Erlang, a message to a process\n"
             "that has died is dropped; a name that nobody has raises ValueError. Messages from\n"
             "one thread to one process keep their order.");

PyObject* send(PyObject* module, PyObject* const* arguments, Py_ssize_t count) noexcept {
  return module_slot(module, [&](const Attached& py) -> PyRef {
    if (count != 2) return type_error("send() takes a destination and a message");
    Bridge& bridge = bridge_of(py);
    if (!bridge.reaches_erlang(py)) return nullptr;
    convert::Codec& codec = convert::codec_of(py);
    const Atoms& atoms = bridge.services.beam.atoms;
    const OwnedEnv env;
    const auto work = task::Submission::current(py);
    const convert::Options options = bridge.sending(work.get());
    convert::Failure failure;
    ERL_NIF_TERM message;
    if (!codec.to_term(py, env.get(), arguments[1], options, &message, failure)) {
      failure.raise(py, codec);
      return nullptr;
    }
    PyRef destination = PyRef::borrow(arguments[0]);
    if (PyUnicode_Check(destination.get()) && !codec.is_atom(destination.get())) {
      destination = codec.find_atom(py, destination.get());
      if (!destination) return nullptr;
    }
    ErlNifPid pid;
    if (codec.get_pid(destination.get(), &pid) ||
        (codec.is_atom(destination.get()) && registered_pid(py, destination.get(), &pid))) {
      enif_send(nullptr, &pid, env.get(), message);
      return PyRef::borrow(Py_None);
    }
    if (codec.is_atom(destination.get())) {
      PyErr_Format(PyExc_ValueError, "no process is registered as %R", destination.get());
      return nullptr;
    }
    ERL_NIF_TERM to;
    if (!codec.is_pid(destination.get()) && !PyTuple_Check(destination.get())) {
      return type_error("a destination is an erlang.Pid, a name, or a tuple (name, node)");
    }
    PyRef tuple = destination;
    if (PyTuple_Check(tuple.get())) {
      if (PyTuple_GET_SIZE(tuple.get()) != 2) return type_error("expected (name, node)");
      const PyRef name = codec.find_atom(py, PyTuple_GET_ITEM(tuple.get(), 0));
      const PyRef node = name ? codec.find_atom(py, PyTuple_GET_ITEM(tuple.get(), 1)) : PyRef();
      if (!node) return nullptr;
      tuple = PyRef::steal(PyTuple_Pack(2, name.get(), node.get()));
      if (!tuple) return nullptr;
    }
    if (!codec.to_term(py, env.get(), tuple.get(), options, &to, failure)) {
      failure.raise(py, codec);
      return nullptr;
    }
    if (!bridge.to_router(env, enif_make_tuple3(env.get(), atoms.py_send, to, message))) {
      PyErr_SetString(PyExc_RuntimeError, "the application erlang_python is not running");
      return nullptr;
    }
    return PyRef::borrow(Py_None);
  });
}

PyDoc_STRVAR(kWhereisDoc,
             "whereis(name)\n--\n\n"
             "The erlang.Pid of the process registered as `name` on this node, or None.");

PyObject* whereis(PyObject* module, PyObject* name) noexcept {
  return module_slot(module, [&](const Attached& py) -> PyRef {
    Bridge& bridge = bridge_of(py);
    if (!bridge.reaches_erlang(py)) return nullptr;
    convert::Codec& codec = convert::codec_of(py);
    const PyRef atom = codec.find_atom(py, name);
    if (!atom) {
      if (!PyErr_ExceptionMatches(PyExc_ValueError)) return nullptr;
      PyErr_Clear();  // where there is no such atom, nothing is registered under it
      return PyRef::borrow(Py_None);
    }
    ErlNifPid pid;
    if (!registered_pid(py, atom.get(), &pid)) return PyRef::borrow(Py_None);
    return codec.make_pid(py, pid);
  });
}

PyDoc_STRVAR(kLogDoc,
             "log(level, message, metadata)\n--\n\n"
             "Hand a message to Erlang's logger: a level's name, text, and a dict of metadata.\n"
             "Never waits.");

PyObject* log(PyObject* module, PyObject* const* arguments, Py_ssize_t count) noexcept {
  return module_slot(module, [&](const Attached& py) -> PyRef {
    if (count != 3) return type_error("log() takes a level, a message and metadata");
    Bridge& bridge = bridge_of(py);
    if (!bridge.reaches_erlang(py)) return nullptr;
    convert::Codec& codec = convert::codec_of(py);
    const convert::Options options = bridge.sending(nullptr);
    const OwnedEnv env;
    ERL_NIF_TERM fields[4] = {bridge.services.beam.atoms.py_log};
    for (int i = 0; i < 3; ++i) {
      convert::Failure failure;
      if (!codec.to_term(py, env.get(), arguments[i], options, &fields[i + 1], failure)) {
        failure.raise(py, codec);
        return nullptr;
      }
    }
    bridge.to_router(env, enif_make_tuple_from_array(env.get(), fields, 4));
    return PyRef::borrow(Py_None);
  });
}

PyDoc_STRVAR(kHasFunctionDoc,
             "has_function(name)\n--\n\nIs an Erlang function registered under this name?");

PyObject* has_function(PyObject* module, PyObject* name) noexcept {
  return module_slot(module, [&](const Attached& py) -> PyRef {
    Py_ssize_t size;
    const char* text = PyUnicode_AsUTF8AndSize(name, &size);
    if (text == nullptr) return nullptr;
    const std::string key(text, static_cast<std::size_t>(size));
    return PyRef::borrow(bridge_of(py).has_name(key) ? Py_True : Py_False);
  });
}

PyDoc_STRVAR(kCurrentLoopDoc,
             "current_loop()\n--\n\n"
             "The ErlangEventLoop on which coroutines of the Erlang call that this thread works\n"
             "for are awaited, or None outside of such a call.");

PyObject* current_loop(PyObject* module, PyObject*) noexcept {
  return module_slot(module, [&](const Attached& py) -> PyRef {
    const auto work = task::Submission::current(py);
    // Other threads than its own must leave a loop alone.
    if (!work || Executor::current() != &work->place().executor()) return PyRef::borrow(Py_None);
    return PyRef::borrow(work->place().python_loop(py));
  });
}

PyDoc_STRVAR(kTurnDoc,
             "turn()\n--\n\n"
             "The number of what this thread runs for Erlang right now: a call, a continuation, a\n"
             "round of an event loop. 0 outside of any.");

PyObject* turn(PyObject* module, PyObject*) noexcept {
  return module_slot(module, [&](const Attached&) -> PyRef {
    Executor* const executor = Executor::current();
    return PyRef::steal(PyLong_FromUnsignedLongLong(executor != nullptr ? executor->turn() : 0));
  });
}

/// A Python function that is called in a loop.
class FunctionInLoop final : public Job {
 public:
  explicit FunctionInLoop(DeferredRef function) : function_(std::move(function)) {}
  void run(const Attached& py) noexcept override {
    const PyRef function = function_.take(py);
    if (!PyRef::steal(PyObject_CallNoArgs(function.get()))) PyErr_WriteUnraisable(function.get());
  }
  void abandon() noexcept override {}

 private:
  DeferredRef function_;
};

PyDoc_STRVAR(kRunInDefaultLoopDoc,
             "run_in_default_loop(function)\n--\n\n"
             "Call a function inside the application's default event loop, soon. Any thread.");

PyObject* run_in_default_loop(PyObject* module, PyObject* function) noexcept {
  return module_slot(module, [&](const Attached& py) -> PyRef {
    if (!bridge_of(py).reaches_erlang(py)) return nullptr;
    task::Services& services = bridge_of(py).services;
    const auto loop = services.default_loop.get();
    if (loop) {
      const JobPtr refused = loop->post_to_loop(make_job<FunctionInLoop>(
          DeferredRef(py, PyRef::borrow(function), py.interpreter().drops)));
      if (!refused) return PyRef::borrow(Py_None);
    }
    PyErr_SetString(PyExc_RuntimeError, "the application erlang_python is not running");
    return nullptr;
  });
}

PyDoc_STRVAR(
    kSleepDoc,
    "sleep(seconds)\n--\n\n"
    "Block the calling thread, with the GIL released, for as long. An interruption of the\n"
    "Erlang call that it works for ends it.");

PyObject* sleep(PyObject* module, PyObject* seconds) noexcept {
  return module_slot(module, [&](const Attached& py) -> PyRef {
    const double duration = PyFloat_AsDouble(seconds);
    if (PyErr_Occurred()) return nullptr;
    if (!(duration >= 0)) {
      PyErr_SetString(PyExc_ValueError, "a duration must not be negative");
      return nullptr;
    }
    constexpr double kMost = 1e9;  // seconds; some thirty years
    const Nanos deadline = now() + static_cast<Nanos>(std::min(duration, kMost) * kSecond);
    if (Executor* const executor = Executor::current()) {
      const auto never = [] { return false; };
      const auto waited = executor->serve_chain_until(py, 0, never, deadline);
      return waited == Executor::Waited::kInterrupted ? nullptr : PyRef::borrow(Py_None);
    }
    {
      const Detached detached(py);
      const timespec until = to_timespec(deadline);
      while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
      }
    }
    return PyRef::borrow(Py_None);
  });
}

PyDoc_STRVAR(
    kInForkedChildDoc,
    "in_forked_child()\n--\n\n"
    "Is this process one that Python code has forked of the VM? Nothing of Erlang's is there.");

PyObject* in_forked_child(PyObject* module, PyObject*) noexcept {
  return module_slot(module, [](const Attached& py) {
    return PyRef::borrow(bridge_of(py).services.forked.here() ? Py_True : Py_False);
  });
}

}  // namespace

bool add_to_module(const Attached& py, PyObject* module, Bridge& bridge) noexcept {
  // Static, as CPython keeps pointers to it; constant.
  static PyMethodDef methods[] = {
      {"call", as_method(call), METH_FASTCALL, kCallDoc},
      {"start_call", as_method(start_call), METH_FASTCALL, kStartCallDoc},
      {"cancel_call", cancel_call, METH_O, kCancelCallDoc},
      {"send", as_method(send), METH_FASTCALL, kSendDoc},
      {"whereis", whereis, METH_O, kWhereisDoc},
      {"log", as_method(log), METH_FASTCALL, kLogDoc},
      {"has_function", has_function, METH_O, kHasFunctionDoc},
      {"in_forked_child", in_forked_child, METH_NOARGS, kInForkedChildDoc},
      {"sleep", sleep, METH_O, kSleepDoc},
      {"turn", turn, METH_NOARGS, kTurnDoc},
      {"run_in_default_loop", run_in_default_loop, METH_O, kRunInDefaultLoopDoc},
      {"current_loop", current_loop, METH_NOARGS, kCurrentLoopDoc},
      {},
  };
  return translate_errors(py, [&] {
    Interpreter& interpreter = py.interpreter();
    interpreter.add(interpreter.callback, std::make_unique<CallbackTypes>(bridge));
    PyObject* const in_node =
        bridge.services.node == task::Services::Node::kHere ? Py_True : Py_False;
    if (PyModule_AddFunctions(module, methods) != 0 ||
        PyModule_AddObjectRef(module, "IN_NODE", in_node) != 0) {
      throw PythonError();
    }
  });
}

}  // namespace ep::callback
