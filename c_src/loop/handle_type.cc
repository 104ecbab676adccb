// The Python faces of Handle and TimerHandle.
#include "cpython/api.h"

#include <structmember.h>

#include "cpython/error.h"
#include "cpython/heap_type.h"
#include "cpython/slot.h"
#include "loop/event_loop.h"
#include "loop/handle.h"
#include "loop/handle_text.h"
#include "loop/loop_slot.h"
#include "loop/loop_types.h"

namespace ep::loop {
namespace {

Handle* as_handle(PyObject* self) { return reinterpret_cast<Handle*>(self); }
TimerHandle* as_timer(PyObject* self) { return reinterpret_cast<TimerHandle*>(self); }
PyObject* or_none(PyObject* object) { return Py_NewRef(object != nullptr ? object : Py_None); }

int traverse(PyObject* self, visitproc visit, void* arg) {
  Handle* handle = as_handle(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(handle->loop);
  Py_VISIT(handle->callback);
  Py_VISIT(handle->context);
  const Py_ssize_t held = handle->nargs > Handle::kInlineArgs ? 1 : handle->nargs;
  for (Py_ssize_t i = 1; i <= held; ++i) Py_VISIT(handle->args[i]);
  if (handle->debug != nullptr) {
    Py_VISIT(handle->debug->source_traceback.get());
    Py_VISIT(handle->debug->repr.get());
  }
  return 0;
}

void drop_references(Handle* handle) {
  const Py_ssize_t held = handle->nargs > Handle::kInlineArgs ? 1 : handle->nargs;
  handle->nargs = 0;
  for (Py_ssize_t i = 1; i <= held; ++i) Py_CLEAR(handle->args[i]);
  Py_CLEAR(handle->callback);
  Py_CLEAR(handle->context);
  delete std::exchange(handle->debug, nullptr);
}

/// Cyclic garbage: nobody will run it, and all methods must survive it. The loop stays, for they
/// ask it; the cycle is broken without that.
int clear(PyObject* self) {
  Handle* handle = as_handle(self);
  handle->cancelled = true;
  drop_references(handle);
  return 0;
}

void dealloc(PyObject* self) {
  Handle* handle = as_handle(self);
  if (handle->tracked) PyObject_GC_UnTrack(self);
  if (handle->weakrefs != nullptr) PyObject_ClearWeakRefs(self);
  drop_references(handle);
  PyTypeObject* type = Py_TYPE(self);
  // The types, and with them the free lists, live as long as any loop; so the loop goes last.
  const PyRef loop = PyRef::steal(std::exchange(handle->loop, nullptr));
  const PyRef keep_type = PyRef::steal(reinterpret_cast<PyObject*>(type));
  LoopTypes& types = EventLoop::of(loop.get())->types();
  (type == types.handle_type() ? types.free_handles : types.free_timer_handles).give(handle);
}

PyObject* repr(PyObject* self) noexcept {
  return slot(self, [&](const Attached& py) { return handle_repr(py, as_handle(self)); });
}

PyObject* cancel(PyObject* self, PyObject*) noexcept {
  return slot(self, [&](const Attached& py) -> PyRef {
    if (as_handle(self)->threadsafe) wait_for_callback(py, as_handle(self));
    cancel_handle(py, as_handle(self));
    return PyRef::borrow(Py_None);
  });
}

PyObject* cancel_timer(PyObject* self, PyObject*) noexcept {
  return loop_slot(as_handle(self)->core(), [&](const OnLoop& py) -> PyRef {
    TimerHandle* timer = as_timer(self);
    cancel_handle(py, &timer->base);
    py.loop().cancel_timer(py, timer);
    return PyRef::borrow(Py_None);
  });
}

PyObject* cancelled(PyObject* self, PyObject*) noexcept {
  return slot(self, [&](const Attached& py) -> PyRef {
    if (as_handle(self)->threadsafe) wait_for_callback(py, as_handle(self));
    return PyRef::borrow(as_handle(self)->cancelled ? Py_True : Py_False);
  });
}

PyObject* run(PyObject* self, PyObject*) noexcept {
  return slot(self, [&](const Attached& py) -> PyRef {
    return run_handle(py, as_handle(self)) ? PyRef::borrow(Py_None) : PyRef();
  });
}

PyObject* get_loop(PyObject* self, PyObject*) noexcept { return Py_NewRef(as_handle(self)->loop); }

PyObject* get_context(PyObject* self, PyObject*) noexcept {
  return slot(self, [&](const Attached& py) -> PyRef {
    Handle* const handle = as_handle(self);
    if (handle->context == nullptr) return PyRef::borrow(Py_None);
    return PyRef::borrow(own_context(py, handle));
  });
}

PyObject* when(PyObject* self, PyObject*) noexcept {
  return PyFloat_FromDouble(as_timer(self)->when);
}

/// For isinstance(): what asyncio's own loops return. type() tells the truth.
PyObject* get_class(PyObject* self, void*) noexcept {
  const AsyncioParts& asyncio = as_handle(self)->core().types().asyncio;
  const bool is_timer = Py_TYPE(self) == as_handle(self)->core().types().timer_handle_type();
  const PyRef& base = is_timer                      ? asyncio.timer_handle
                      : as_handle(self)->threadsafe ? asyncio.threadsafe_handle
                                                    : asyncio.handle;
  return Py_NewRef(base ? base.get() : reinterpret_cast<PyObject*>(Py_TYPE(self)));
}

PyObject* get_loop_attribute(PyObject* self, void*) noexcept { return get_loop(self, nullptr); }
PyObject* get_context_attribute(PyObject* self, void*) noexcept {
  return get_context(self, nullptr);
}
PyObject* get_cancelled(PyObject* self, void*) noexcept {
  return PyBool_FromLong(as_handle(self)->cancelled);
}
PyObject* get_when(PyObject* self, void*) noexcept { return when(self, nullptr); }

PyObject* get_callback(PyObject* self, void*) noexcept {
  Handle* handle = as_handle(self);
  return or_none(handle->cancelled ? nullptr : handle->callback);
}

PyObject* get_args(PyObject* self, void*) noexcept {
  return slot(self, [&](const Attached&) -> PyRef {
    Handle* handle = as_handle(self);
    return handle->cancelled ? PyRef::borrow(Py_None) : handle_args(handle);
  });
}

PyObject* get_source_traceback(PyObject* self, void*) noexcept {
  Handle* handle = as_handle(self);
  return or_none(handle->debug != nullptr ? handle->debug->source_traceback.get() : nullptr);
}

PyObject* get_scheduled(PyObject* self, void*) noexcept {
  return PyBool_FromLong(as_timer(self)->scheduled);
}

/// Equal timers are the same call at the same time, as in asyncio.
int timers_equal(Handle* a, Handle* b) {
  const PyRef args_a = handle_args(a);
  const PyRef args_b = handle_args(b);
  if (!args_a || !args_b) return -1;
  if (a->cancelled != b->cancelled) return 0;
  if (a->callback == nullptr || b->callback == nullptr) return a->callback == b->callback;
  const int same = PyObject_RichCompareBool(a->callback, b->callback, Py_EQ);
  return same != 1 ? same : PyObject_RichCompareBool(args_a.get(), args_b.get(), Py_EQ);
}

PyObject* compare_timers(PyObject* self, PyObject* other, int operation) noexcept {
  return slot(self, [&](const Attached&) -> PyRef {
    if (Py_TYPE(self) != Py_TYPE(other)) return PyRef::borrow(Py_NotImplemented);
    const double a = as_timer(self)->when;
    const double b = as_timer(other)->when;
    if (operation == Py_LT) return PyRef::steal(PyBool_FromLong(a < b));
    if (operation == Py_GT) return PyRef::steal(PyBool_FromLong(a > b));
    if (operation == Py_LE && a < b) return PyRef::borrow(Py_True);
    if (operation == Py_GE && a > b) return PyRef::borrow(Py_True);
    const int equal = a != b ? 0 : timers_equal(as_handle(self), as_handle(other));
    if (equal < 0) return nullptr;
    return PyRef::steal(PyBool_FromLong((operation == Py_NE) != (equal != 0)));
  });
}

Py_hash_t hash_timer(PyObject* self) noexcept {
  const PyRef number = PyRef::steal(PyFloat_FromDouble(as_timer(self)->when));
  return number ? PyObject_Hash(number.get()) : -1;
}

PyMethodDef handle_methods[] = {
    {"cancel", cancel, METH_NOARGS,
     "cancel($self)\n--\n\nDon't call the callback; drops it and its arguments."},
    {"cancelled", cancelled, METH_NOARGS, "cancelled($self)\n--\n\nHas it been cancelled?"},
    {"get_loop", get_loop, METH_NOARGS, "get_loop($self)\n--\n\nThe loop that will call it."},
    {"get_context", get_context, METH_NOARGS,
     "get_context($self)\n--\n\nThe contextvars.Context that it will run in."},
    {"_run", run, METH_NOARGS, "Call the callback now."},
    {nullptr, nullptr, 0, nullptr},
};

PyMethodDef timer_methods[] = {
    {"cancel", cancel_timer, METH_NOARGS,
     "cancel($self)\n--\n\nDon't call the callback; drops it and its arguments."},
    {"when", when, METH_NOARGS,
     "when($self)\n--\n\nWhen it is to be called, in seconds of loop.time()."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef handle_attributes[] = {
    {"__class__", get_class, nullptr, nullptr, nullptr},
    {"_loop", get_loop_attribute, nullptr, nullptr, nullptr},
    {"_callback", get_callback, nullptr, nullptr, nullptr},
    {"_args", get_args, nullptr, nullptr, nullptr},
    {"_context", get_context_attribute, nullptr, nullptr, nullptr},
    {"_cancelled", get_cancelled, nullptr, nullptr, nullptr},
    {"_source_traceback", get_source_traceback, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyGetSetDef timer_attributes[] = {
    {"_scheduled", get_scheduled, nullptr, nullptr, nullptr},
    {"_when", get_when, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Handle, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot handle_slots[] = {
    {Py_tp_doc, const_cast<char*>("A callback that an event loop will call; see asyncio.Handle.")},
    {Py_tp_dealloc, type_slot(dealloc)},
    {Py_tp_traverse, type_slot(traverse)},
    {Py_tp_clear, type_slot(clear)},
    {Py_tp_repr, type_slot(repr)},
    {Py_tp_methods, handle_methods},
    {Py_tp_getset, handle_attributes},
    {Py_tp_members, members},
    {0, nullptr},
};

// Its base is Handle.
PyType_Slot timer_slots[] = {
    {Py_tp_doc, const_cast<char*>("A callback that an event loop will call at a time; see "
                                  "asyncio.TimerHandle.")},
    {Py_tp_dealloc, type_slot(dealloc)},
    {Py_tp_traverse, type_slot(traverse)},
    {Py_tp_clear, type_slot(clear)},
    {Py_tp_hash, type_slot(hash_timer)},
    {Py_tp_richcompare, type_slot(compare_timers)},
    {Py_tp_methods, timer_methods},
    {Py_tp_getset, timer_attributes},
    {0, nullptr},
};

constexpr unsigned kFlags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
                            Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE;

// Subclasses can't be instantiated either; TimerHandle is made by C++ code.
PyType_Spec handle_spec = {"_erlang.Handle", sizeof(Handle), 0, kFlags | Py_TPFLAGS_BASETYPE,
                           handle_slots};
PyType_Spec timer_spec = {"_erlang.TimerHandle", sizeof(TimerHandle), 0, kFlags, timer_slots};

}  // namespace

PyRef new_handle_type(const Attached&, PyObject* module) noexcept {
  return PyRef::steal(PyType_FromModuleAndSpec(module, &handle_spec, nullptr));
}

PyRef new_timer_handle_type(const Attached&, PyObject* module, PyObject* handle_type) noexcept {
  return PyRef::steal(PyType_FromModuleAndSpec(module, &timer_spec, handle_type));
}

}  // namespace ep::loop
