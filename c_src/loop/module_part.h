// What the loop layer puts into the `_erlang` module: the types EventLoop, Handle and TimerHandle.
#pragma once

#include "cpython/interpreter.h"

namespace ep::loop {

/// While the module is made. False: Python error set.
[[nodiscard]] bool add_to_module(const Attached& py, PyObject* module) noexcept;

}  // namespace ep::loop
