// What conversions add to the `_erlang` module.
#include <memory>

#include "convert/codec.h"
#include "cpython/slot.h"

namespace ep::convert {
namespace {

PyObject* atom(PyObject* module, PyObject* name) noexcept {
  return slot([&](const Attached& py) { return module_state(module).codec->find_atom(py, name); });
}

PyMethodDef kFunctions[] = {
    {"atom", atom, METH_O,
     "atom(name, /)\n--\n\n"
     "The Erlang atom of this name. ValueError if the Erlang side has no such atom."},
    {},
};

}  // namespace

bool add_to_module(const Attached& py, PyObject* module, ModuleState& state,
                   const BeamContext& beam) noexcept {
  try {
    auto codec = std::make_unique<Codec>(py, module, beam);
    if (PyModule_AddFunctions(module, kFunctions) < 0) return false;
    if (PyModule_AddType(module, codec->atom_type_) < 0) return false;
    for (PyTypeObject* type : codec->term_types_) {
      if (PyModule_AddType(module, type) < 0) return false;
    }
    state.codec = codec.release();
    return true;
  } catch (...) {
    set_error_from_cpp_exception(py);
    return false;
  }
}

int traverse_part(ModuleState& state, visitproc visit, void* arg) noexcept {
  if (state.codec == nullptr) return 0;
  for (PyTypeObject* type : state.codec->term_types_) Py_VISIT(type);
  Py_VISIT(state.codec->atom_type_);
  return 0;
}

void free_part(ModuleState& state) noexcept {
  delete state.codec;
  state.codec = nullptr;
}

}  // namespace ep::convert
