// The functions of `_erlang` that reach Erlang: call, start_call, send, whereis, log, has_function.
#pragma once

#include "callback/bridge.h"
#include "cpython/attach.h"
#include "cpython/interpreter.h"

namespace ep::callback {

/// This layer's part of an interpreter. The bridge outlives every interpreter.
struct CallbackTypes final : InterpreterPart {
  explicit CallbackTypes(Bridge& the_bridge) noexcept : bridge(the_bridge) {}
  Bridge& bridge;
};

/// While the module is made. False with a Python error set.
[[nodiscard]] bool add_to_module(const Attached&, PyObject* module, Bridge&) noexcept;

}  // namespace ep::callback
