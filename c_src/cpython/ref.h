// PyRef: an owned reference to a Python object. Borrowed references are plain PyObject*.
//
// Attached threads only, the destructor included, unless the reference is null.
#pragma once

#include <utility>

#include "cpython/api.h"

namespace ep {

class PyRef {
 public:
  PyRef() = default;
  PyRef(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor): as a pointer's
  /// Takes over a new reference, as most of CPython's functions return it; null is kept as null.
  static PyRef steal(PyObject* object) noexcept { return PyRef(object); }
  /// Adds a reference to a borrowed one.
  static PyRef borrow(PyObject* object) noexcept { return PyRef(Py_XNewRef(object)); }

  PyRef(PyRef&& other) noexcept : object_(other.release()) {}
  PyRef(const PyRef& other) noexcept : object_(Py_XNewRef(other.object_)) {}
  PyRef& operator=(PyRef other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~PyRef() { Py_XDECREF(object_); }

  PyObject* get() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  /// Hands the reference to the caller.
  [[nodiscard]] PyObject* release() noexcept { return std::exchange(object_, nullptr); }
  /// Emptied before the old object dies, whose finalizer may look at this very reference.
  void reset() noexcept { PyRef old(std::move(*this)); }

 private:
  explicit PyRef(PyObject* object) noexcept : object_(object) {}
  PyObject* object_ = nullptr;
};

}  // namespace ep
