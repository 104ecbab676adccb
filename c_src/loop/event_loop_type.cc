// The Python face of EventLoop: `_erlang.EventLoop`, the base of erlang.ErlangEventLoop.
//
// The attributes with an underscore are those of asyncio.BaseEventLoop, whose Python code reads and
// writes them; here they are views of the C++ core.
#include "cpython/api.h"
#include "cpython/heap_type.h"

#include <structmember.h>

#include <vector>

#include "base/immortal.h"
#include "cpython/interpreter.h"
#include "cpython/slot.h"
#include "loop/event_loop.h"
#include "loop/event_loop_methods.h"
#include "loop/loop_slot.h"
#include "loop/loop_types.h"
#include "loop/running_scope.h"

namespace ep::loop {
namespace {

EventLoopObject* as_object(PyObject* self) { return reinterpret_cast<EventLoopObject*>(self); }
EventLoop& core_of(PyObject* self) { return *EventLoop::of(self); }

// Life and death.

PyObject* create(PyTypeObject* type, PyObject*, PyObject*) noexcept {
  return slot(type, [&](const Attached& py) -> PyRef {
    LoopTypes& types = *py.interpreter().loop;
    if (!types.import_asyncio(py)) return nullptr;
    PyRef self = PyRef::steal(type->tp_alloc(type, 0));
    if (!self) return nullptr;
    try {
      new (as_object(self.get())->core) EventLoop(self.get(), types);
    } catch (...) {
      // Without a core it must not reach dealloc().
      PyObject_GC_UnTrack(self.get());
      type->tp_free(self.release());
      Py_DECREF(type);
      throw;
    }
    return self;
  });
}

void dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  if (as_object(self)->weakrefs != nullptr) PyObject_ClearWeakRefs(self);
  Py_CLEAR(as_object(self)->task_factory);
  core_of(self).~EventLoop();
  free_object(self);
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_object(self)->task_factory);
  return core_of(self).traverse(visit, arg);
}

int clear(PyObject* self) {
  Py_CLEAR(as_object(self)->task_factory);
  core_of(self).clear(OnLoop::while_dying(Dying(self), core_of(self)));
  return 0;
}

// Running.

PyObject* none_or_null(bool ok) { return ok ? Py_NewRef(Py_None) : nullptr; }

PyObject* run(PyObject* self, PyObject*) noexcept {
  return loop_slot(core_of(self), [&](const OnLoop& py) -> PyRef {
    const RunningScope running(py, core_of(self));
    return PyRef::steal(none_or_null(running.entered() && core_of(self).run(py)));
  });
}

PyObject* run_once(PyObject* self, PyObject*) noexcept {
  return loop_slot(core_of(self), [&](const OnLoop& py) -> PyRef {
    return PyRef::steal(none_or_null(check_open(py, core_of(self)) && core_of(self).run_once(py)));
  });
}

PyObject* stop(PyObject* self, PyObject*) noexcept {
  core_of(self).stop();
  return Py_NewRef(Py_None);
}

PyObject* wake(PyObject* self, PyObject*) noexcept {
  core_of(self).wake();
  return Py_NewRef(Py_None);
}

PyObject* is_running(PyObject* self, PyObject*) noexcept {
  return PyBool_FromLong(core_of(self).is_running());
}

PyObject* is_closed(PyObject* self, PyObject*) noexcept {
  return PyBool_FromLong(core_of(self).is_closed());
}

PyObject* check_closed(PyObject* self, PyObject*) noexcept {
  return slot(self, [&](const Attached& py) {
    return PyRef::steal(none_or_null(check_open(py, core_of(self))));
  });
}

PyObject* get_debug(PyObject* self, PyObject*) noexcept {
  return PyBool_FromLong(core_of(self).debug());
}

PyObject* signal_descriptor(PyObject* self, PyObject*) noexcept {
  return loop_slot(core_of(self), [&](const OnLoop& py) -> PyRef {
    if (!check_open(py, core_of(self))) return nullptr;
    const int fd = core_of(self).signals(py).write_end(py);
    return fd < 0 ? PyRef() : PyRef::steal(PyLong_FromLong(fd));
  });
}

PyObject* forward_signals(PyObject* self, PyObject* wanted) noexcept {
  return loop_slot(core_of(self), [&](const OnLoop& py) -> PyRef {
    const int on = PyObject_IsTrue(wanted);
    if (on < 0) return nullptr;
    return PyRef::steal(none_or_null(core_of(self).signals(py).set_forwarding(py, on != 0)));
  });
}

// Attributes of BaseEventLoop.

/// -1: Python error set.
int truth(PyObject* value) {
  if (value != nullptr) return PyObject_IsTrue(value);
  PyErr_SetString(PyExc_AttributeError, "can't be deleted");
  return -1;
}

PyObject* get_debug_attribute(PyObject* self, void*) noexcept { return get_debug(self, nullptr); }

int set_debug_attribute(PyObject* self, PyObject* value, void*) noexcept {
  const int on = truth(value);
  if (on >= 0) core_of(self).set_debug(on != 0);
  return on < 0 ? -1 : 0;
}

PyObject* get_stopping(PyObject* self, void*) noexcept {
  return PyBool_FromLong(core_of(self).stopping());
}

int set_stopping(PyObject* self, PyObject* value, void*) noexcept {
  const int on = truth(value);
  if (on >= 0) core_of(self).set_stopping(on != 0);
  return on < 0 ? -1 : 0;
}

PyObject* get_closed(PyObject* self, void*) noexcept { return is_closed(self, nullptr); }

/// BaseEventLoop.close() sets it, once it has made sure that the loop does not run.
int set_closed(PyObject* self, PyObject* value, void*) noexcept {
  return loop_slot(core_of(self), [&](const OnLoop& py) -> int {
    const int on = truth(value);
    if (on < 0) return -1;
    if (on != 0) {
      core_of(self).close(py);
    } else if (core_of(self).is_closed()) {
      PyErr_SetString(PyExc_RuntimeError, "a closed event loop can't be opened again");
      return -1;
    }
    return 0;
  });
}

PyObject* get_thread(PyObject* self, void*) noexcept {
  const unsigned long thread = core_of(self).running_thread();
  return thread == 0 ? Py_NewRef(Py_None) : PyLong_FromUnsignedLong(thread);
}

int set_thread(PyObject* self, PyObject* value, void*) noexcept {
  if (value == nullptr || value == Py_None) {
    core_of(self).set_running_thread(0);
    return 0;
  }
  const unsigned long thread = PyLong_AsUnsignedLong(value);
  if (thread == static_cast<unsigned long>(-1) && PyErr_Occurred()) return -1;
  core_of(self).set_running_thread(thread);
  return 0;
}

PyMethodDef run_methods[] = {
    {"_run", run, METH_NOARGS, "Run until stop(), as the running loop of this thread."},
    {"_run_once", run_once, METH_NOARGS, "Wait for something to do, and do it."},
    {"_write_to_self", wake, METH_NOARGS, "From any thread: wake the loop."},
    {"_signal_descriptor", signal_descriptor, METH_NOARGS, "For signal.set_wakeup_fd()."},
    {"_forward_signals", forward_signals, METH_O, "Pass signals to _process_self_data()?"},
    {"_check_closed", check_closed, METH_NOARGS, "Raise RuntimeError if the loop is closed."},
    {"stop", stop, METH_NOARGS,
     "stop($self)\n--\n\nLeave run_forever() at the end of this iteration."},
    {"is_running", is_running, METH_NOARGS, "is_running($self)\n--\n\n"},
    {"is_closed", is_closed, METH_NOARGS, "is_closed($self)\n--\n\n"},
    {"get_debug", get_debug, METH_NOARGS, "get_debug($self)\n--\n\n"},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef attributes[] = {
    {"_debug", get_debug_attribute, set_debug_attribute, nullptr, nullptr},
    {"_stopping", get_stopping, set_stopping, nullptr, nullptr},
    {"_closed", get_closed, set_closed, nullptr, nullptr},
    {"_thread_id", get_thread, set_thread, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef members[] = {
    {"_task_factory", T_OBJECT, offsetof(EventLoopObject, task_factory), 0, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(EventLoopObject, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

/// A type has one table.
PyMethodDef* all_methods() {
  static auto& all = immortal([] {
    std::vector<PyMethodDef> joined;
    for (PyMethodDef* table : {run_methods, call_methods, descriptor_methods, create_methods}) {
      for (; table->ml_name != nullptr; ++table) joined.push_back(*table);
    }
    joined.push_back({nullptr, nullptr, 0, nullptr});
    return joined;
  }());
  return all.data();
}

}  // namespace

PyRef new_event_loop_type(const Attached&, PyObject* module) noexcept {
  PyType_Slot slots[] = {
      {Py_tp_doc,
       const_cast<char*>("The core of an asyncio event loop; see erlang.ErlangEventLoop.")},
      {Py_tp_new, type_slot(create)},
      {Py_tp_dealloc, type_slot(dealloc)},
      {Py_tp_traverse, type_slot(traverse)},
      {Py_tp_clear, type_slot(clear)},
      {Py_tp_methods, all_methods()},
      {Py_tp_getset, attributes},
      {Py_tp_members, members},
      {0, nullptr},
  };
  PyType_Spec spec = {"_erlang.EventLoop", sizeof(EventLoopObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE, slots};
  return PyRef::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
}

EventLoop* EventLoop::from(PyObject* loop) noexcept {
  for (PyTypeObject* type = Py_TYPE(loop); type != nullptr; type = type->tp_base) {
    if (type->tp_dealloc == dealloc) return of(loop);
  }
  return nullptr;
}

bool check_open(const Attached&, const EventLoop& loop) noexcept {
  if (!loop.is_closed()) return true;
  PyErr_SetString(PyExc_RuntimeError, "Event loop is closed");
  return false;
}

}  // namespace ep::loop
