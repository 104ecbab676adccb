// Python's functions with errors that unwind, for code in which every step may fail and none has
// anything to undo. Inside slot(), or where PythonError is caught.
#pragma once

#include <utility>

#include "cpython/attach.h"
#include "cpython/ref.h"
#include "cpython/slot.h"

namespace ep {

/// Throws PythonError if it is null.
inline PyRef or_throw(PyRef result) {
  if (!result) throw PythonError();
  return result;
}

/// The same of a new reference, which it takes over.
inline PyRef or_throw(PyObject* result) { return or_throw(PyRef::steal(result)); }

inline PyRef import_module(const char* name) { return or_throw(PyImport_ImportModule(name)); }

inline PyRef interned(const char* text) { return or_throw(PyUnicode_InternFromString(text)); }

inline PyRef attribute(PyObject* object, const char* name) {
  return or_throw(PyObject_GetAttrString(object, name));
}

inline PyRef attribute(const PyRef& object, const char* name) {
  return attribute(object.get(), name);
}

/// Makes a type an attribute of its module.
inline void publish(PyObject* module, const PyRef& type) {
  if (PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type.get())) != 0) {
    throw PythonError();
  }
}

}  // namespace ep
