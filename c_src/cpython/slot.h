// The boundary between Python and C++: no C++ exception crosses it.
//
//   static PyObject* method(PyObject* self, PyObject* arg) noexcept {
//     return slot([&](const Attached& py) -> PyRef { ... });
//   }
//
// The body returns a null PyRef, or -1 for slots that return int, with a Python error set; or it
// throws PythonError where one is already set, or any std::exception.
#pragma once

#include <exception>
#include <new>
#include <system_error>
#include <type_traits>

#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep {

/// A Python error is set on this thread; unwinds to the nearest slot().
struct PythonError {};

/// Turns the C++ exception being handled into a Python one.
void set_error_from_cpp_exception(const Attached&) noexcept;

template <class Body>
auto slot(Body&& body) noexcept {
  const Attached py = Attached::in_slot();
  using Result = std::invoke_result_t<Body, const Attached&>;
  constexpr bool returns_object = std::is_same_v<Result, PyRef>;
  try {
    if constexpr (returns_object) {
      return body(py).release();
    } else {
      return body(py);
    }
  } catch (...) {
    set_error_from_cpp_exception(py);
  }
  if constexpr (returns_object) {
    return static_cast<PyObject*>(nullptr);
  } else {
    return static_cast<Result>(-1);
  }
}

}  // namespace ep
