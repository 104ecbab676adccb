// Objects to terms: what has no elements.
#include "convert/to_term.h"

#include <cmath>

#include "beam/binary.h"
#include "beam/external.h"
#include "convert/types.h"
#include "cpython/integer.h"

namespace ep::convert {
namespace {

/// From this size on, a binary shows Python's memory instead of a copy of it.
constexpr Py_ssize_t kShareFrom = 64 * 1024;

}  // namespace

bool Codec::to_term(const Attached& py, ErlNifEnv* dst, PyObject* object, const Options& options,
                    ERL_NIF_TERM* out, Failure& failure) noexcept {
  try {
    const ERL_NIF_TERM none = options.none != 0 ? options.none : atoms().none;
    return ToTerm(*this, dst, none, failure).convert(py, object, out, 0);
  } catch (const std::bad_alloc&) {
    failure.set(Why::kNoMemory);
  }
  return false;
}

bool ToTerm::convert(const Attached& py, PyObject* object, ERL_NIF_TERM* out, int depth) {
  PyTypeObject* type = Py_TYPE(object);
  if (type == &PyUnicode_Type) return text(py, object, out);
  if (type == &PyLong_Type) return integer(py, object, out);
  if (object == Py_None) return done(out, none_);
  if (type == &PyFloat_Type) return real(PyFloat_AS_DOUBLE(object), out);
  if (type == &PyBool_Type) return done(out, boolean(object == Py_True));
  if (type == codec_.atom_type_) return done(out, as_atom_object(object)->term);
  if (codec_.is_wrapped_term(type)) return wrapped_term(object, out);
  return by_base(py, object, out, depth);
}

/// Subclasses convert as the type that they derive from.
bool ToTerm::by_base(const Attached& py, PyObject* object, ERL_NIF_TERM* out, int depth) {
  if (PyList_Check(object)) return list(py, object, out, depth + 1);
  if (PyDict_Check(object)) return dict(py, object, out, depth + 1);
  if (PyTuple_Check(object)) return tuple(py, object, out, depth + 1);
  if (PyBytes_Check(object)) return done(out, bytes(py, object));
  if (PyUnicode_Check(object)) return text(py, object, out);
  if (PyLong_Check(object)) return integer(py, object, out);
  if (PyFloat_Check(object)) return real(PyFloat_AS_DOUBLE(object), out);
  if (PyAnySet_Check(object)) return set(py, object, out, depth + 1);
  if (PyByteArray_Check(object) || PyMemoryView_Check(object)) return buffer(py, object, out);
  const NumpyTypes::Kind kind = codec_.numpy_.kind_of(py, Py_TYPE(object));
  if (kind != NumpyTypes::Kind::kNone) return numpy_number(py, object, kind, out);
  return done(out, codec_.to_opaque(py, env_, object));
}

bool ToTerm::numpy_number(const Attached& py, PyObject* object, NumpyTypes::Kind kind,
                          ERL_NIF_TERM* out) {
  if (kind == NumpyTypes::Kind::kBoolean) {
    const int truth = PyObject_IsTrue(object);
    return truth < 0 ? fail_with_python_error(py) : done(out, boolean(truth == 1));
  }
  const bool is_integer = kind == NumpyTypes::Kind::kInteger;
  const PyRef number = PyRef::steal(is_integer ? PyNumber_Index(object) : PyNumber_Float(object));
  if (!number) return fail_with_python_error(py);
  return is_integer ? integer(py, number.get(), out) : real(PyFloat_AS_DOUBLE(number.get()), out);
}

bool ToTerm::wrapped_term(PyObject* object, ERL_NIF_TERM* out) noexcept {
  const TermObject* wrapped = as_term_object(object);
  const bool is_word = wrapped->env == nullptr;
  return done(out, is_word ? wrapped->term : enif_make_copy(env_, wrapped->term));
}

bool ToTerm::integer(const Attached& py, PyObject* object, ERL_NIF_TERM* out) {
  int overflow;
  const long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (overflow != 0) return big_integer(py, object, overflow < 0, out);
  return done(out, enif_make_int64(env_, number));
}

bool ToTerm::big_integer(const Attached& py, PyObject* object, bool negative, ERL_NIF_TERM* out) {
  const PyRef natural = absolute_value(py, object);
  if (!natural) return fail_with_python_error(py);
  BigInteger big(negative, magnitude_size(py, natural.get()));
  if (!get_magnitude(py, natural.get(), big.magnitude())) return fail_with_python_error(py);
  return big.make_term(env_, out) || fail(Why::kTooLarge);
}

bool ToTerm::real(double number, ERL_NIF_TERM* out) noexcept {
  const Atoms& atoms = codec_.atoms();
  if (std::isnan(number)) return done(out, atoms.nan);
  if (std::isinf(number)) return done(out, number > 0 ? atoms.infinity : atoms.neg_infinity);
  return done(out, enif_make_double(env_, number));
}

bool ToTerm::text(const Attached& py, PyObject* object, ERL_NIF_TERM* out) {
#if PY_VERSION_HEX < 0x030C0000
  if (PyUnicode_READY(object) < 0) return fail_with_python_error(py);
#endif
  const Py_ssize_t length = PyUnicode_GET_LENGTH(object);
  if (PyUnicode_IS_ASCII(object)) {
    return done(out, data(py, object, PyUnicode_DATA(object), length));
  }
  if (length >= kShareFrom) return long_text(py, object, out);
  Py_ssize_t size;
  const char* utf8 = PyUnicode_AsUTF8AndSize(object, &size);
  if (utf8 == nullptr) return fail_to_encode(py);
  return done(out, make_binary(env_, {utf8, static_cast<std::size_t>(size)}));
}

/// Not by way of the UTF-8 form that a str caches, and keeps as long as it lives.
bool ToTerm::long_text(const Attached& py, PyObject* object, ERL_NIF_TERM* out) {
  const PyRef utf8 = PyRef::steal(PyUnicode_AsUTF8String(object));
  if (!utf8) return fail_to_encode(py);
  return done(out, bytes(py, utf8.get()));
}

bool ToTerm::fail_to_encode(const Attached& py) {
  if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) return fail_with_python_error(py);
  PyErr_Clear();
  return fail(Why::kLoneSurrogate);
}

ERL_NIF_TERM ToTerm::bytes(const Attached& py, PyObject* object) {
  return data(py, object, PyBytes_AS_STRING(object), PyBytes_GET_SIZE(object));
}

/// A binary of `size` bytes of `owner`'s own memory, which never changes.
ERL_NIF_TERM ToTerm::data(const Attached& py, PyObject* owner, const void* start, Py_ssize_t size) {
  const auto count = static_cast<std::size_t>(size);
  if (size < kShareFrom) return make_binary(env_, {static_cast<const char*>(start), count});
  const auto keeper =
      codec_.beam_.bytes_owner.make(DeferredRef(py, PyRef::borrow(owner), codec_.drops_));
  return enif_make_resource_binary(env_, keeper.get(), start, count);
}

bool ToTerm::buffer(const Attached& py, PyObject* object, ERL_NIF_TERM* out) {
  Py_buffer view;
  if (PyObject_GetBuffer(object, &view, PyBUF_FULL_RO) < 0) return fail_with_python_error(py);
  unsigned char* target = enif_make_new_binary(env_, static_cast<std::size_t>(view.len), out);
  const bool copied = view.len == 0 || PyBuffer_ToContiguous(target, &view, view.len, 'C') == 0;
  PyBuffer_Release(&view);
  return copied || fail_with_python_error(py);
}

}  // namespace ep::convert
