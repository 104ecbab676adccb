// The module `_erlang`: what C++ gives to the Python package `erlang`.
#pragma once

#include "callback/bridge.h"
#include "cpython/attach.h"
#include "cpython/interpreter.h"
#include "cpython/ref.h"

namespace ep {

/// In a node: makes the module for the calling interpreter and enters it into sys.modules, where
/// imports find it. The bridge outlives the interpreter. Null with a Python error set.
PyRef make_module(const Attached&, callback::Bridge& bridge);

// As an ordinary extension (plain/): Python has made the module.

/// Before anything else is done with it.
void set_interpreter(PyObject* module, Interpreter& interpreter) noexcept;
/// Null if that has not been done.
Interpreter* interpreter_of(PyObject* module) noexcept;
/// What is in it. False with a Python error set.
[[nodiscard]] bool fill_module(const Attached&, PyObject* module, callback::Bridge& bridge);

}  // namespace ep
