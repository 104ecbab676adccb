#include "net/module_part.h"

#include "cpython/slot.h"
#include "net/net_types.h"

namespace ep::net {
namespace {

PyObject* load(PyObject* module, PyObject*) noexcept {
  return module_slot(module, [&](const Attached& py) -> PyRef {
    const bool loaded = load_transports(py, module, *py.interpreter().net);
    return loaded ? PyRef::borrow(Py_None) : PyRef();
  });
}

}  // namespace

bool add_to_module(const Attached& py, PyObject* module) noexcept {
  // Static, as CPython keeps pointers to it; constant.
  static PyMethodDef methods[] = {
      {"load_transports", load, METH_NOARGS,
       "load_transports()\n--\n\nImport asyncio, and add the types that derive from its own."},
      {nullptr, nullptr, 0, nullptr},
  };
  return translate_errors(py, [&] {
    Interpreter& interpreter = py.interpreter();
    interpreter.add(interpreter.net, std::make_unique<NetTypes>(interpreter.internals));
    if (PyModule_AddFunctions(module, methods) != 0) throw PythonError();
  });
}

}  // namespace ep::net
