#include "cpython/error.h"

#include <new>

namespace ep {
namespace {

std::string utf8(PyObject* str) {
  const PyRef bytes = PyRef::steal(PyUnicode_AsEncodedString(str, "utf-8", "backslashreplace"));
  if (!bytes) {
    PyErr_Clear();
    return "<text that can't be encoded>";
  }
  return {PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get()))};
}

std::string utf8_slice(PyObject* str, Py_ssize_t from, Py_ssize_t to) {
  const PyRef slice = PyRef::steal(PyUnicode_Substring(str, from, to));
  if (slice) return utf8(slice.get());
  PyErr_Clear();
  throw std::bad_alloc();
}

PyRef take_error() noexcept {
#if PY_VERSION_HEX >= 0x030C0000
  return PyRef::steal(PyErr_GetRaisedException());
#else
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  if (type == nullptr) return nullptr;
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != nullptr) PyException_SetTraceback(value, traceback);
  Py_DECREF(type);
  Py_XDECREF(traceback);
  return PyRef::steal(value);
#endif
}

void restore_error(PyRef exception) noexcept {
#if PY_VERSION_HEX >= 0x030C0000
  PyErr_SetRaisedException(exception.release());
#else
  PyObject* traceback = PyException_GetTraceback(exception.get());
  PyObject* type = Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(exception.get())));
  PyErr_Restore(type, exception.release(), traceback);
#endif
}

}  // namespace

PyRef take_error(const Attached&) noexcept { return take_error(); }

void restore_error(const Attached&, PyRef exception) noexcept {
  restore_error(std::move(exception));
}

SavedError::SavedError() noexcept : error_(take_error()) {}

SavedError::~SavedError() {
  PyErr_Clear();
  if (error_) restore_error(std::move(error_));
}

std::string clipped_utf8(const Attached&, PyObject* str, std::size_t max_characters) {
  const Py_ssize_t length = PyUnicode_GET_LENGTH(str);
  const Py_ssize_t max = static_cast<Py_ssize_t>(max_characters);
  if (length <= max) return utf8(str);
  return utf8_slice(str, 0, max / 2) + "\n... [" + std::to_string(length - max) +
         " characters left out] ...\n" + utf8_slice(str, length - (max - max / 2), length);
}

std::string text_of(const Attached& py, PyObject* object, std::size_t max_characters) {
  const PyRef str = PyRef::steal(PyObject_Str(object));
  if (str) return clipped_utf8(py, str.get(), max_characters);
  PyErr_Clear();
  return "<str() of it raised an exception>";
}

std::string describe_exception(const Attached& py, PyObject* exception,
                               std::size_t max_characters) {
  std::string text = Py_TYPE(exception)->tp_name;
  const std::string message = text_of(py, exception, max_characters);
  if (!message.empty()) text += ": " + message;
  return text;
}

}  // namespace ep
