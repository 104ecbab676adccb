// Objects that C++ code knows by name, as members that say the name where they are declared:
//
//   struct Names {
//     Name data_received{"data_received"};           // an interned str, for look-ups
//     Imported current_task{"asyncio", "current_task"};
//   };
//
// They are made attached, and throw PythonError; they live as long as what they are members of.
#pragma once

#include "cpython/or_throw.h"
#include "cpython/ref.h"

namespace ep {

class Name {
 public:
  explicit Name(const char* text) : object_(interned(text)) {}
  PyObject* get() const noexcept { return object_.get(); }
  operator PyObject*() const noexcept { return object_.get(); }  // NOLINT: so that it reads as one

 private:
  PyRef object_;
};

/// An attribute of a module, which is imported for it.
class Imported {
 public:
  Imported(const char* module, const char* name)
      : object_(attribute(import_module(module), name)) {}
  PyObject* get() const noexcept { return object_.get(); }
  const PyRef& object() const noexcept { return object_; }
  PyTypeObject* type() const noexcept { return reinterpret_cast<PyTypeObject*>(object_.get()); }
  operator PyObject*() const noexcept { return object_.get(); }  // NOLINT: so that it reads as one

 private:
  PyRef object_;
};

}  // namespace ep
