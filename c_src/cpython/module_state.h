// The state of one interpreter's `_erlang` module: a part for each layer, which only that layer
// looks into. Parts are created by the layer's add_to_module() and freed with the module.
#pragma once

#include "cpython/attach.h"
#include "cpython/internals.h"

namespace ep {

namespace convert {
class Codec;
}
namespace loop {
struct LoopTypes;
}
namespace net {
struct NetTypes;
}
namespace callback {
struct CallbackTypes;
}

struct ModuleState {
  Internals internals;
  convert::Codec* codec = nullptr;
  loop::LoopTypes* loop = nullptr;
  net::NetTypes* net = nullptr;
  callback::CallbackTypes* callback = nullptr;
};

/// Defined by module/; the only PyModuleDef of the project.
PyModuleDef& module_def() noexcept;

inline ModuleState& module_state(PyObject* module) noexcept {
  return *static_cast<ModuleState*>(PyModule_GetState(module));
}

/// The state of the module that defined `type` or one of its bases.
inline ModuleState& module_state(PyTypeObject* type) noexcept {
  return module_state(PyType_GetModuleByDef(type, &module_def()));
}

}  // namespace ep
