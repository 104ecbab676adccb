// What the definitions of our types have in common: the casts that CPython's tables of functions
// want, and the end of an object.
#pragma once

#include "cpython/api.h"

namespace ep {

/// For a PyType_Slot.
template <class Function>
void* type_slot(Function* function) noexcept {
  return reinterpret_cast<void*>(function);
}

/// For a PyMethodDef, whatever the calling convention that its flags name. By way of a function
/// pointer without parameters, as compilers warn of any other.
template <class Function>
PyCFunction as_method(Function* function) noexcept {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

/// The end of a tp_dealloc, when all that the object had is gone: its memory, and the reference to
/// its type that objects of heap types have.
inline void free_object(PyObject* self) noexcept {
  PyTypeObject* const type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

}  // namespace ep
