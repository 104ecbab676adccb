// create_future() and create_task(): the standard library's own Future and Task, made without
// passing through its Python code where that would not do anything else.
#include <array>

#include "cpython/heap_type.h"
#include "cpython/slot.h"
#include "loop/event_loop_methods.h"
#include "loop/loop_types.h"

namespace ep::loop {
namespace {

constexpr Py_ssize_t kMaxKeywords = 2;  // name and context

/// Borrowed; null: AttributeError set.
PyObject* module_attribute(const PyRef& module, const char* name) {
  PyObject* value = PyDict_GetItemString(PyModule_GetDict(module.get()), name);
  if (value == nullptr) PyErr_SetString(PyExc_AttributeError, name);
  return value;
}

PyObject* create_future(PyObject* self, PyObject*) noexcept {
  return slot(self, [&](const Attached&) -> PyRef {
    const LoopTypes& types = EventLoop::of(self)->types();
    PyObject* future = module_attribute(types.asyncio.futures, "Future");
    if (future == nullptr) return nullptr;
    return PyRef::steal(PyObject_Vectorcall(future, &self, 0, types.names_loop.get()));
  });
}

/// Only what every version's Task takes; the rest is for the version's own create_task().
bool only_name_and_context(PyObject* kwnames) {
  const Py_ssize_t count = kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames);
  if (count > kMaxKeywords) return false;
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* name = PyTuple_GET_ITEM(kwnames, i);
    if (PyUnicode_CompareWithASCIIString(name, "name") != 0 &&
        PyUnicode_CompareWithASCIIString(name, "context") != 0) {
      return false;
    }
  }
  return true;
}

PyRef new_task(const LoopTypes& types, PyObject* self, PyObject* const* args, PyObject* kwnames) {
  PyObject* task = module_attribute(types.asyncio.tasks, "Task");
  if (task == nullptr) return nullptr;
  // Task(coro, loop=self, **keywords)
  const Py_ssize_t count = kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames);
  std::array<PyObject*, 2 + kMaxKeywords> arguments{args[0], self};
  PyRef names = types.names_loop;
  if (count > 0) {
    for (Py_ssize_t i = 0; i < count; ++i) {
      arguments[static_cast<std::size_t>(2 + i)] = args[1 + i];
    }
    names = PyRef::steal(PySequence_Concat(types.names_loop.get(), kwnames));
    if (!names) return nullptr;
  }
  return PyRef::steal(PyObject_Vectorcall(task, arguments.data(), 1, names.get()));
}

/// asyncio.BaseEventLoop.create_task(self, ...): task factories, debug mode, newer parameters.
PyRef create_task_in_python(const LoopTypes& types, PyObject* self, PyObject* const* args,
                            Py_ssize_t nargs, PyObject* kwnames) {
  const Py_ssize_t keywords = kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames);
  const PyRef positional = PyRef::steal(PyTuple_New(1 + nargs));
  if (!positional) return nullptr;
  PyTuple_SET_ITEM(positional.get(), 0, Py_NewRef(self));
  for (Py_ssize_t i = 0; i < nargs; ++i) {
    PyTuple_SET_ITEM(positional.get(), 1 + i, Py_NewRef(args[i]));
  }
  const PyRef named = PyRef::steal(PyDict_New());
  if (!named) return nullptr;
  for (Py_ssize_t i = 0; i < keywords; ++i) {
    if (PyDict_SetItem(named.get(), PyTuple_GET_ITEM(kwnames, i), args[nargs + i]) != 0) {
      return nullptr;
    }
  }
  return PyRef::steal(
      PyObject_Call(types.asyncio.base_create_task.get(), positional.get(), named.get()));
}

PyObject* create_task(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                      PyObject* kwnames) noexcept {
  return slot(self, [&](const Attached& py) -> PyRef {
    EventLoop& loop = *EventLoop::of(self);
    PyObject* factory = reinterpret_cast<EventLoopObject*>(self)->task_factory;
    const bool plain = (factory == nullptr || factory == Py_None) && !loop.debug() && nargs == 1 &&
                       only_name_and_context(kwnames);
    if (!plain) return create_task_in_python(loop.types(), self, args, nargs, kwnames);
    if (!check_open(py, loop)) return nullptr;
    return new_task(loop.types(), self, args, kwnames);
  });
}

}  // namespace

PyMethodDef create_methods[] = {
    {"create_future", create_future, METH_NOARGS,
     "create_future($self)\n--\n\nAn asyncio.Future of this loop."},
    {"create_task", as_method(create_task), METH_FASTCALL | METH_KEYWORDS,
     "create_task($self, coro, **kwargs)\n--\n\nRun a coroutine as an asyncio.Task."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace ep::loop
