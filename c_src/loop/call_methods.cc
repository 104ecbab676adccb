// call_soon(), call_later() and their siblings.
#include <cmath>

#include "cpython/heap_type.h"
#include "cpython/slot.h"
#include "loop/call_arguments.h"
#include "loop/event_loop_methods.h"
#include "loop/loop_slot.h"
#include "loop/loop_types.h"

namespace ep::loop {
namespace {

constexpr const char* kCallback[] = {"callback"};
constexpr const char* kDelayCallback[] = {"delay", "callback"};
constexpr const char* kWhenCallback[] = {"when", "callback"};

double seconds(Nanos n) { return static_cast<double>(n) / 1e9; }

/// The first reading of the clock at which loop.time() is not before `when`: rounding must not let
/// a timer fire early, not even by the last bit of a float.
Nanos deadline_of(double when) {
  const double nanos = std::ceil(when * 1e9);
  if (nanos >= static_cast<double>(kNever)) return kNever;
  if (nanos <= 0) return 0;
  auto deadline = static_cast<Nanos>(nanos);
  while (seconds(deadline) < when) ++deadline;
  return deadline;
}

/// Debug mode: asyncio's checks of the calling thread and of the callback.
bool check_call(EventLoop& loop, PyObject* callback, const char* method, bool any_thread) {
  if (!loop.debug()) return true;
  const unsigned long runner = loop.running_thread();
  if (!any_thread && runner != 0 && runner != PyThread_get_thread_ident()) {
    PyErr_SetString(PyExc_RuntimeError,
                    "Non-thread-safe operation invoked on an event loop other than the current "
                    "one");
    return false;
  }
  return static_cast<bool>(
      PyRef::steal(PyObject_CallMethod(loop.object(), "_check_callback", "Os", callback, method)));
}

PyRef new_soon_handle(const Attached& py, EventLoop& loop, const char* method, bool threadsafe,
                      PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  CallArguments call;
  if (!call.parse(loop.types(), method, kCallback, args, nargs, kwnames)) return nullptr;
  if (!check_open(py, loop)) return nullptr;
  if (!check_call(loop, call.leading[0], method, threadsafe)) return nullptr;
  return PyRef::steal(reinterpret_cast<PyObject*>(
      new_handle(py, loop, call.leading[0], call.rest, call.rest_count, call.context)));
}

PyObject* call_soon(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                    PyObject* kwnames) noexcept {
  return loop_slot(*EventLoop::of(self), [&](const OnLoop& py) -> PyRef {
    EventLoop& loop = py.loop();
    PyRef handle = new_soon_handle(py, loop, "call_soon", false, args, nargs, kwnames);
    if (!handle) return nullptr;
    if (!loop.queue(py, ReadyEntry(reinterpret_cast<Handle*>(handle.get())))) return nullptr;
    return handle;
  });
}

PyObject* call_soon_threadsafe(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                               PyObject* kwnames) noexcept {
  return slot(self, [&](const Attached& py) -> PyRef {
    EventLoop& loop = *EventLoop::of(self);
    PyRef handle = new_soon_handle(py, loop, "call_soon_threadsafe", true, args, nargs, kwnames);
    if (!handle) return nullptr;
    auto* raw = reinterpret_cast<Handle*>(handle.get());
    raw->threadsafe = static_cast<bool>(loop.types().asyncio.threadsafe_handle);
    if (!loop.queue_threadsafe(py, reinterpret_cast<Handle*>(handle.get()))) return nullptr;
    return handle;
  });
}

PyRef schedule(const OnLoop& py, double when, const CallArguments& call) {
  if (std::isnan(when)) {
    PyErr_SetString(PyExc_ValueError, "the time of a call must not be nan");
    return nullptr;
  }
  TimerHandle* timer = new_timer_handle(py, py.loop(), when, call.leading[1], call.rest,
                                        call.rest_count, call.context);
  if (timer == nullptr) return nullptr;
  PyRef owner = PyRef::steal(timer->object());
  return py.loop().queue_at(py, timer, deadline_of(when)) ? owner : PyRef();
}

/// -1 with an error set, if it is no number; None, as asyncio says, is a TypeError.
double number(PyObject* object, const char* name) {
  if (object == Py_None) {
    PyErr_Format(PyExc_TypeError, "%s must not be None", name);
    return -1;
  }
  return PyFloat_AsDouble(object);
}

PyObject* call_later(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                     PyObject* kwnames) noexcept {
  return loop_slot(*EventLoop::of(self), [&](const OnLoop& py) -> PyRef {
    EventLoop& loop = py.loop();
    CallArguments call;
    if (!call.parse(loop.types(), "call_later", kDelayCallback, args, nargs, kwnames)) {
      return nullptr;
    }
    const double delay = number(call.leading[0], "delay");
    if (delay == -1 && PyErr_Occurred()) return nullptr;
    if (!check_open(py, loop)) return nullptr;
    if (!check_call(loop, call.leading[1], "call_at", false)) return nullptr;
    return schedule(py, seconds(now()) + delay, call);
  });
}

PyObject* call_at(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                  PyObject* kwnames) noexcept {
  return loop_slot(*EventLoop::of(self), [&](const OnLoop& py) -> PyRef {
    EventLoop& loop = py.loop();
    CallArguments call;
    if (!call.parse(loop.types(), "call_at", kWhenCallback, args, nargs, kwnames)) return nullptr;
    const double when = number(call.leading[0], "when");
    if (when == -1 && PyErr_Occurred()) return nullptr;
    if (!check_open(py, loop)) return nullptr;
    if (!check_call(loop, call.leading[1], "call_at", false)) return nullptr;
    return schedule(py, when, call);
  });
}

PyObject* time(PyObject*, PyObject*) noexcept { return PyFloat_FromDouble(seconds(now())); }

}  // namespace

PyMethodDef call_methods[] = {
    {"call_soon", as_method(call_soon), METH_FASTCALL | METH_KEYWORDS,
     "call_soon($self, callback, *args, context=None)\n--\n\n"
     "Call it in the next iteration; a Handle."},
    {"call_soon_threadsafe", as_method(call_soon_threadsafe), METH_FASTCALL | METH_KEYWORDS,
     "call_soon_threadsafe($self, callback, *args, context=None)\n--\n\n"
     "As call_soon(), from any thread."},
    {"call_later", as_method(call_later), METH_FASTCALL | METH_KEYWORDS,
     "call_later($self, delay, callback, *args, context=None)\n--\n\n"
     "Call it in `delay` seconds, never earlier; a TimerHandle."},
    {"call_at", as_method(call_at), METH_FASTCALL | METH_KEYWORDS,
     "call_at($self, when, callback, *args, context=None)\n--\n\n"
     "Call it when time() has reached `when`, never earlier; a TimerHandle."},
    {"time", time, METH_NOARGS, "time($self)\n--\n\nSeconds of the monotonic clock."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace ep::loop
