// The functions of `_erlang` that reach Erlang: call, start_call, send, whereis, log, has_function.
#pragma once

#include "callback/bridge.h"
#include "cpython/attach.h"
#include "cpython/module_state.h"

namespace ep::callback {

/// This layer's part of the module state. The bridge outlives every interpreter.
struct CallbackTypes {
  Bridge& bridge;
};

/// False with a Python error set.
bool add_to_module(const Attached&, PyObject* module, ModuleState&, Bridge&) noexcept;
void free_part(ModuleState&) noexcept;

}  // namespace ep::callback
