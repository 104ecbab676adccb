#include "loop/call_arguments.h"

#include <algorithm>

namespace ep::loop {

bool CallArguments::parse(const LoopTypes& types, const char* method,
                          std::span<const char* const> names, PyObject* const* args,
                          Py_ssize_t nargs, PyObject* kwnames, bool takes_context) noexcept {
  const auto expected = static_cast<Py_ssize_t>(names.size());
  const Py_ssize_t positional = std::min(nargs, expected);
  for (Py_ssize_t i = 0; i < positional; ++i) leading[i] = args[i];
  rest = args + positional;
  rest_count = nargs - positional;
  const Py_ssize_t keywords = kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames);
  for (Py_ssize_t i = 0; i < keywords; ++i) {
    if (!parse_keyword(types, method, names, PyTuple_GET_ITEM(kwnames, i), args[nargs + i],
                       takes_context)) {
      return false;
    }
  }
  for (Py_ssize_t i = 0; i < expected; ++i) {
    if (leading[i] != nullptr) continue;
    PyErr_Format(PyExc_TypeError, "%s() missing required argument: '%s'", method,
                 names[static_cast<std::size_t>(i)]);
    return false;
  }
  return true;
}

bool CallArguments::parse_keyword(const LoopTypes& types, const char* method,
                                  std::span<const char* const> names, PyObject* name,
                                  PyObject* value, bool takes_context) noexcept {
  const bool is_context =
      name == types.str_context.get() || PyUnicode_CompareWithASCIIString(name, "context") == 0;
  if (is_context && takes_context) {
    context = value;
    return true;
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (PyUnicode_CompareWithASCIIString(name, names[i]) != 0) continue;
    if (leading[i] == nullptr) {
      leading[i] = value;
      return true;
    }
    PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%U'", method, name);
    return false;
  }
  PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", method, name);
  return false;
}

}  // namespace ep::loop
