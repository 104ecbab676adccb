#include "loop/collector_hook.h"

#include "cpython/heap_type.h"
#include "cpython/interpreter.h"
#include "cpython/or_throw.h"
#include "cpython/slot.h"
#include "loop/event_loop.h"
#include "loop/loop_types.h"

namespace ep::loop {
namespace {

constexpr long kFull = 2;  // the generation

/// callback(phase, info)
PyObject* collection(PyObject* module, PyObject* const* args, Py_ssize_t count) noexcept {
  return module_slot(module, [&](const Attached& py) -> PyRef {
    if (count == 2 && PyUnicode_Check(args[0]) && PyDict_Check(args[1]) &&
        PyUnicode_CompareWithASCIIString(args[0], "start") == 0) {
      PyObject* const generation = PyDict_GetItemString(args[1], "generation");  // borrowed
      const long number = generation != nullptr ? PyLong_AsLong(generation) : kFull;
      if (number == -1 && PyErr_Occurred()) return nullptr;
      if (number == kFull) {
        for (EventLoop* loop : py.interpreter().loop->loops) loop->track_handles(py);
      }
    }
    return PyRef::borrow(Py_None);
  });
}

}  // namespace

bool add_collector_hook(const Attached& py, PyObject* module) noexcept {
  // Static, as CPython keeps a pointer to it; constant.
  static PyMethodDef methods[] = {{"before_collection", as_method(collection), METH_FASTCALL,
                                   PyDoc_STR("Shows waiting callbacks to the garbage collector.")}};
  return translate_errors(py, [&] {
    const PyRef callbacks = attribute(import_module("gc"), "callbacks");
    const PyRef hook = or_throw(PyCFunction_New(&methods[0], module));
    if (PyList_Append(callbacks.get(), hook.get()) != 0) throw PythonError();
  });
}

}  // namespace ep::loop
