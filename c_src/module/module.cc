#include "module/module.h"

#include "callback/methods.h"
#include "convert/codec.h"
#include "cpython/code_hash.h"
#include "cpython/interpreter.h"
#include "cpython/slot.h"
#include "loop/module_part.h"
#include "net/module_part.h"

namespace ep {
namespace {

constexpr const char* kName = "_erlang";

int traverse(PyObject* module, visitproc visit, void* arg) noexcept {
  const Interpreter* const interpreter = interpreter_of(module);
  if (interpreter == nullptr) return 0;
  for (const auto& part : interpreter->parts) {
    if (const int stop = part->traverse(visit, arg)) return stop;
  }
  return 0;
}

void free_module(void* module) noexcept {
  Interpreter* const interpreter = interpreter_of(static_cast<PyObject*>(module));
  if (interpreter != nullptr) interpreter->drop_parts();
}

/// importlib.machinery.ModuleSpec(kName, None)
PyRef make_spec() {
  const PyRef machinery = PyRef::steal(PyImport_ImportModule("importlib.machinery"));
  if (!machinery) return nullptr;
  return PyRef::steal(PyObject_CallMethod(machinery.get(), "ModuleSpec", "sO", kName, Py_None));
}

PyObject* hash_of_code(PyObject* module, PyObject* function) noexcept {
  return module_slot(module, [&](const Attached& py) {
    return PyRef::steal(PyLong_FromUnsignedLongLong(code_hash(py, function)));
  });
}

bool add_own(const Attached& py, PyObject* module) {
  // Static, as CPython keeps pointers to it; constant.
  static PyMethodDef methods[] = {
      {"code_hash", hash_of_code, METH_O,
       "code_hash($module, function, /)\n--\n\n"
       "Tells the code of a Python function from any other; 0 if it has none. See "
       "cpython/code_hash.h."},
      {},
  };
  const Internals& internals = py.interpreter().internals;
  const PyRef found = PyRef::steal(
      Py_BuildValue("{sNsNsN}", "context_variables", PyBool_FromLong(internals.context_variables),
                    "bytes_reuse", PyBool_FromLong(internals.bytes_reuse), "type_versions",
                    PyBool_FromLong(internals.type_versions)));
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

Interpreter* interpreter_of(PyObject* module) noexcept {
  return static_cast<ModuleState*>(PyModule_GetState(module))->interpreter;
}

void set_interpreter(PyObject* module, Interpreter& interpreter) noexcept {
  static_cast<ModuleState*>(PyModule_GetState(module))->interpreter = &interpreter;
  interpreter.module = module;
}

bool fill_module(const Attached& py, PyObject* module, callback::Bridge& bridge) {
  const bool probed =
      translate_errors(py, [&] { py.interpreter().internals = Internals::probe(py); });
  return probed && convert::add_to_module(py, module, bridge.services.beam) &&
         loop::add_to_module(py, module) && net::add_to_module(py, module) &&
         callback::add_to_module(py, module, bridge) && add_own(py, module);
}

PyRef make_module(const Attached& py, callback::Bridge& bridge) {
  const PyRef spec = make_spec();
  PyRef module = spec ? PyRef::steal(PyModule_FromDefAndSpec(&module_def(), spec.get())) : PyRef();
  if (!module || PyModule_ExecDef(module.get(), &module_def()) < 0) return nullptr;
  set_interpreter(module.get(), py.interpreter());
  if (!fill_module(py, module.get(), bridge)) return nullptr;
  PyObject* const modules = PyImport_GetModuleDict();  // borrowed
  if (PyDict_SetItemString(modules, kName, module.get()) < 0) return nullptr;
  return module;
}

}  // namespace ep
