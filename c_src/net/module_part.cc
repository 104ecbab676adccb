#include "net/module_part.h"

#include "cpython/slot.h"
#include "net/net_types.h"

namespace ep::net {
namespace {

PyObject* load(PyObject* module, PyObject*) noexcept {
  return slot([&](const Attached& py) -> PyRef {
    const bool loaded = load_transports(py, module, *module_state(module).net);
    return loaded ? PyRef::borrow(Py_None) : PyRef();
  });
}

}  // namespace

bool add_to_module(const Attached&, PyObject* module, ModuleState& state) {
  // Static, as CPython keeps pointers to it; constant.
  static PyMethodDef methods[] = {
      {"load_transports", load, METH_NOARGS,
       "load_transports()\n--\n\nImport asyncio, and add the types that derive from its own."},
      {nullptr, nullptr, 0, nullptr},
  };
  return slot([&](const Attached&) -> int {
           state.net = new NetTypes();
           return PyModule_AddFunctions(module, methods);
         }) == 0;
}

int traverse_part(const ModuleState& state, visitproc visit, void* arg) {
  return state.net == nullptr ? 0 : state.net->traverse(visit, arg);
}

void clear_part(ModuleState& state) {
  if (state.net != nullptr) state.net->clear();
}

void free_part(ModuleState& state) { delete std::exchange(state.net, nullptr); }

}  // namespace ep::net
