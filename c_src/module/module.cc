#include "module/module.h"

#include "callback/methods.h"
#include "convert/codec.h"
#include "cpython/code_hash.h"
#include "cpython/module_state.h"
#include "cpython/slot.h"
#include "loop/module_part.h"
#include "net/module_part.h"

namespace ep {
namespace {

constexpr const char* kName = "_erlang";

int traverse(PyObject* module, visitproc visit, void* arg) noexcept {
  ModuleState& state = module_state(module);
  if (const int stop = convert::traverse_part(state, visit, arg)) return stop;
  if (const int stop = loop::traverse_part(state, visit, arg)) return stop;
  return net::traverse_part(state, visit, arg);
}

void free_module(void* module) noexcept {
  ModuleState& state = module_state(static_cast<PyObject*>(module));
  callback::free_part(state);
  net::free_part(state);
  loop::free_part(state);
  convert::free_part(state);
}

/// importlib.machinery.ModuleSpec(kName, None)
PyRef make_spec() {
  const PyRef machinery = PyRef::steal(PyImport_ImportModule("importlib.machinery"));
  if (!machinery) return nullptr;
  return PyRef::steal(PyObject_CallMethod(machinery.get(), "ModuleSpec", "sO", kName, Py_None));
}

bool probe_internals(const Attached&, ModuleState& state) {
  return slot([&](const Attached& py) -> int {
           state.internals = Internals::probe(py);
           return 0;
         }) == 0;
}

PyObject* hash_of_code(PyObject*, PyObject* function) noexcept {
  return slot([&](const Attached& py) {
    return PyRef::steal(PyLong_FromUnsignedLongLong(code_hash(py, function)));
  });
}

bool add_own(PyObject* module) {
  // Static, as CPython keeps pointers to it; constant.
  static PyMethodDef methods[] = {
      {"code_hash", hash_of_code, METH_O,
       "code_hash($module, function, /)\n--\n\n"
       "Tells the code of a Python function from any other; 0 if it has none. See "
       "cpython/code_hash.h."},
      {},
  };
  const Internals& internals = module_state(module).internals;
  const PyRef found = PyRef::steal(
      Py_BuildValue("{sNsN}", "context_variables", PyBool_FromLong(internals.context_variables),
                    "bytes_reuse", PyBool_FromLong(internals.bytes_reuse)));
  return found && PyModule_AddFunctions(module, methods) == 0 &&
         PyModule_AddObjectRef(module, "INTERNALS", found.get()) == 0 &&
         PyModule_AddObjectRef(module, "FREE_THREADED", kFreeThreaded ? Py_True : Py_False) == 0;
}

}  // namespace

PyModuleDef& module_def() noexcept {
  // Its slots say what the module may run in; its parts are added by make_module(), which knows
  // the bridge. CPython keeps pointers to both for ever.
  static PyModuleDef_Slot slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, nullptr},
  };
  static PyModuleDef def = {
      PyModuleDef_HEAD_INIT,
      kName,
      PyDoc_STR("The native part of the package erlang."),
      sizeof(ModuleState),
      nullptr,
      slots,
      traverse,
      nullptr,
      free_module,
  };
  return def;
}

PyRef make_module(const Attached& py, callback::Bridge& bridge) {
  const PyRef spec = make_spec();
  PyRef module = spec ? PyRef::steal(PyModule_FromDefAndSpec(&module_def(), spec.get())) : PyRef();
  if (!module || PyModule_ExecDef(module.get(), &module_def()) < 0) return nullptr;
  ModuleState& state = module_state(module.get());
  if (!probe_internals(py, state) ||
      !convert::add_to_module(py, module.get(), state, bridge.services.beam) ||
      !loop::add_to_module(py, module.get(), state) ||
      !net::add_to_module(py, module.get(), state) ||
      !callback::add_to_module(py, module.get(), state, bridge) || !add_own(module.get())) {
    return nullptr;
  }
  PyObject* const modules = PyImport_GetModuleDict();  // borrowed
  if (PyDict_SetItemString(modules, kName, module.get()) < 0) return nullptr;
  return module;
}

}  // namespace ep
