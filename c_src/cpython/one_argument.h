// The argument of a METH_FASTCALL | METH_KEYWORDS method with one parameter, which callers may give
// by position or by name, as they may to a method in Python.
#pragma once

#include "cpython/api.h"

namespace ep {

/// Borrowed. Null: TypeError set.
inline PyObject* one_argument(const char* method, const char* name, PyObject* const* args,
                              Py_ssize_t nargs, PyObject* kwnames) noexcept {
  const Py_ssize_t keywords = kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames);
  for (Py_ssize_t i = 0; i < keywords; ++i) {
    PyObject* const given = PyTuple_GET_ITEM(kwnames, i);
    if (PyUnicode_CompareWithASCIIString(given, name) != 0) {
      PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", method, given);
      return nullptr;
    }
    if (nargs > 0) {
      PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%s'", method, name);
      return nullptr;
    }
  }
  if (nargs + keywords == 1) return args[0];
  if (nargs == 0) {
    PyErr_Format(PyExc_TypeError, "%s() missing 1 required positional argument: '%s'", method,
                 name);
  } else {
    PyErr_Format(PyExc_TypeError, "%s() takes 1 positional argument but %zd were given", method,
                 nargs);
  }
  return nullptr;
}

}  // namespace ep
