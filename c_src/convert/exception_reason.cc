// Raised exceptions as Erlang reasons. Everything asked of the exception may itself raise.
#include "beam/binary.h"
#include "convert/codec.h"
#include "cpython/error.h"

namespace ep::convert {
namespace {

constexpr std::size_t kMaxMessage = 16 * 1024;    // characters
constexpr std::size_t kMaxTraceback = 64 * 1024;  // characters
constexpr std::size_t kMaxName = 255;             // characters

/// None if asyncio was never imported: then nothing can be cancelled.
bool is_cancelled_error(PyObject* exception) noexcept {
  PyObject* module = PyDict_GetItemString(PyImport_GetModuleDict(), "asyncio.exceptions");
  if (module == nullptr) return false;
  const PyRef type = PyRef::steal(PyObject_GetAttrString(module, "CancelledError"));
  if (!type) {
    PyErr_Clear();
    return false;
  }
  return PyErr_GivenExceptionMatches(exception, type.get());
}

/// Not by way of getattr(), which a metaclass may have spoilt.
std::string type_name(const Attached& py, PyTypeObject* type) {
  const PyRef name = PyRef::steal(PyType_GetQualName(type));
  if (name) return text_of(py, name.get(), kMaxName);
  PyErr_Clear();
  return type->tp_name;
}

std::string module_name(const Attached& py, PyTypeObject* type) {
  const PyRef name =
      PyRef::steal(PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), "__module__"));
  if (name) return text_of(py, name.get(), kMaxName);
  PyErr_Clear();
  return {};
}

/// "".join(traceback.format_exception(exception)); null with a Python error set.
PyRef formatted(PyObject* exception) {
  const PyRef module = PyRef::steal(PyImport_ImportModule("traceback"));
  if (!module) return nullptr;
  const PyRef lines =
      PyRef::steal(PyObject_CallMethod(module.get(), "format_exception", "O", exception));
  if (!lines) return nullptr;
  const PyRef empty = PyRef::steal(PyUnicode_New(0, 0));
  if (!empty) return nullptr;
  return PyRef::steal(PyUnicode_Join(empty.get(), lines.get()));
}

std::string traceback_text(const Attached& py, PyObject* exception) {
  const PyRef text = formatted(exception);
  if (text) return clipped_utf8(py, text.get(), kMaxTraceback);
  PyErr_Clear();
  return describe_exception(py, exception, kMaxTraceback) + "\n";
}

ERL_NIF_TERM exception_map(ErlNifEnv* env, const Atoms& atoms, std::string_view type,
                           std::string_view module, std::string_view message,
                           std::string_view traceback) noexcept {
  ERL_NIF_TERM keys[] = {atoms.type, atoms.module, atoms.message, atoms.traceback};
  ERL_NIF_TERM values[] = {make_binary(env, type), make_binary(env, module),
                           make_binary(env, message), make_binary(env, traceback)};
  ERL_NIF_TERM map;
  enif_make_map_from_arrays(env, keys, values, std::size(keys), &map);
  return enif_make_tuple2(env, atoms.exception, map);
}

}  // namespace

ERL_NIF_TERM Codec::exception_reason(const Attached& py, ErlNifEnv* dst,
                                     PyObject* exception) noexcept {
  if (is_cancelled_error(exception)) return atoms().cancelled;
  try {
    PyTypeObject* type = Py_TYPE(exception);
    return exception_map(dst, atoms(), type_name(py, type), module_name(py, type),
                         text_of(py, exception, kMaxMessage), traceback_text(py, exception));
  } catch (const std::bad_alloc&) {
    return exception_map(dst, atoms(), "MemoryError", "builtins", "out of memory", "");
  }
}

}  // namespace ep::convert
