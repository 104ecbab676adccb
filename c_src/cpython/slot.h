// The boundary between Python and C++: no C++ exception crosses it, and behind it the thread is
// known to be attached.
//
//   static PyObject* method(PyObject* self, PyObject* arg) noexcept {
//     return slot(self, [&](const Attached& py) -> PyRef { ... });
//   }
//
// The body returns a null PyRef, or -1 for slots that return int, with a Python error set; or it
// throws PythonError where one is already set, or any std::exception.
#pragma once

#include <exception>
#include <new>
#include <system_error>
#include <type_traits>
#include <utility>

#include "cpython/attach.h"
#include "cpython/interpreter.h"
#include "cpython/ref.h"

namespace ep {

/// A Python error is set on this thread; unwinds to the nearest slot.
struct PythonError {};

/// Turns the C++ exception being handled into a Python one.
void set_error_from_cpp_exception() noexcept;

/// For functions that Python calls with no object of ours: there is no evidence of an interpreter
/// then, and the body gets none.
template <class Body>
auto foreign_slot(Body&& body) noexcept {
  using Result = std::invoke_result_t<Body>;
  constexpr bool returns_object = std::is_same_v<Result, PyRef>;
  try {
    if constexpr (returns_object) {
      return body().release();
    } else {
      return body();
    }
  } catch (...) {
    set_error_from_cpp_exception();
  }
  if constexpr (returns_object) {
    return static_cast<PyObject*>(nullptr);
  } else {
    return static_cast<Result>(-1);
  }
}

/// Where Python calls: the evidence that only slots can make.
class InSlot final : public Attached {
  explicit InSlot(Interpreter& interpreter) noexcept : Attached(interpreter) {}
  explicit InSlot(PyTypeObject* type) noexcept : Attached(type) {}

  template <class Body>
  friend auto slot(PyTypeObject* type, Body&& body) noexcept;
  template <class Body>
  friend auto module_slot(PyObject* module, Body&& body) noexcept;
};

/// For tp_new of `type`, which is one of ours or derived from one.
template <class Body>
auto slot(PyTypeObject* type, Body&& body) noexcept {
  return foreign_slot([&] { return body(InSlot(type)); });
}

/// For a method or another slot of `self`, an object of such a type.
template <class Body>
auto slot(PyObject* self, Body&& body) noexcept {
  return slot(Py_TYPE(self), std::forward<Body>(body));
}

/// For a function of the module `_erlang`.
template <class Body>
auto module_slot(PyObject* module, Body&& body) noexcept {
  return foreign_slot([&] { return body(InSlot(Interpreter::of_module(module))); });
}

/// Within C++ code whose callers want Python errors, not exceptions. The body returns a PyRef, and
/// so does this; or nothing, and this whether it was done. Null or false: Python error set.
template <class Body>
auto translate_errors(const Attached&, Body&& body) noexcept {
  if constexpr (std::is_void_v<std::invoke_result_t<Body>>) {
    return foreign_slot([&]() -> int {
             body();
             return 0;
           }) == 0;
  } else {
    return PyRef::steal(foreign_slot(std::forward<Body>(body)));
  }
}

}  // namespace ep
