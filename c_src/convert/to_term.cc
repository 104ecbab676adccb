// Objects to terms.
//
// Python code can run in the midst of this (a garbage collection that a new object sets off), and
// change the very containers that are being converted: elements are held while they are converted,
// and sizes are looked at again.
#include <cmath>

#include "beam/binary.h"
#include "beam/external.h"
#include "beam/term_stack.h"
#include "convert/codec.h"
#include "convert/shown_key.h"
#include "convert/types.h"
#include "cpython/integer.h"

namespace ep::convert {
namespace {

/// From this size on, a binary shows Python's memory instead of a copy of it.
constexpr Py_ssize_t kShareFrom = 64 * 1024;

/// The VM has 24 bits for it.
constexpr Py_ssize_t kMaxTupleArity = (1 << 24) - 1;

}  // namespace

/// One conversion. Its methods return false with the failure filled and no Python error set, or
/// throw std::bad_alloc.
class ToTerm {
 public:
  ToTerm(const Attached& py, Codec& codec, ErlNifEnv* env, Failure& failure)
      : py_(py), codec_(codec), env_(env), failure_(failure) {}

  bool convert(PyObject* object, ERL_NIF_TERM* out, int depth) {
    PyTypeObject* type = Py_TYPE(object);
    if (type == &PyUnicode_Type) return text(object, out);
    if (type == &PyLong_Type) return integer(object, out);
    if (object == Py_None) return done(out, codec_.atoms().none);
    if (type == &PyFloat_Type) return real(object, out);
    if (type == &PyBool_Type) return done(out, boolean(object));
    if (type == codec_.atom_type_) return done(out, as_atom_object(object)->term);
    if (codec_.is_wrapped_term(type)) return wrapped_term(object, out);
    return by_base(object, out, depth);
  }

 private:
  static bool done(ERL_NIF_TERM* out, ERL_NIF_TERM term) noexcept {
    *out = term;
    return true;
  }

  bool fail(Why why) noexcept {
    failure_.set(why);
    return false;
  }

  bool fail_with_python_error() noexcept {
    failure_.set_from_python(py_);
    return false;
  }

  /// Subclasses convert as the type that they derive from.
  bool by_base(PyObject* object, ERL_NIF_TERM* out, int depth) {
    if (PyList_Check(object)) return list(object, out, depth + 1);
    if (PyDict_Check(object)) return dict(object, out, depth + 1);
    if (PyTuple_Check(object)) return tuple(object, out, depth + 1);
    if (PyBytes_Check(object)) return done(out, bytes(object));
    if (PyUnicode_Check(object)) return text(object, out);
    if (PyLong_Check(object)) return integer(object, out);
    if (PyFloat_Check(object)) return real(object, out);
    if (PyAnySet_Check(object)) return set(object, out, depth + 1);
    if (PyByteArray_Check(object) || PyMemoryView_Check(object)) return buffer(object, out);
    return done(out, codec_.to_opaque(py_, env_, object));
  }

  ERL_NIF_TERM boolean(PyObject* object) const noexcept {
    return object == Py_True ? codec_.atoms().true_ : codec_.atoms().false_;
  }

  bool wrapped_term(PyObject* object, ERL_NIF_TERM* out) noexcept {
    const TermObject* wrapped = as_term_object(object);
    const bool is_word = wrapped->env == nullptr;
    return done(out, is_word ? wrapped->term : enif_make_copy(env_, wrapped->term));
  }

  bool integer(PyObject* object, ERL_NIF_TERM* out) {
    int overflow;
    const long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow != 0) return big_integer(object, overflow < 0, out);
    return done(out, enif_make_int64(env_, number));
  }

  [[gnu::noinline]] bool big_integer(PyObject* object, bool negative, ERL_NIF_TERM* out) {
    const PyRef natural = absolute_value(py_, object);
    if (!natural) return fail_with_python_error();
    BigInteger big(negative, magnitude_size(py_, natural.get()));
    if (!get_magnitude(py_, natural.get(), big.magnitude())) return fail_with_python_error();
    return big.make_term(env_, out) || fail(Why::kTooLarge);
  }

  bool real(PyObject* object, ERL_NIF_TERM* out) noexcept {
    const double number = PyFloat_AS_DOUBLE(object);
    const Atoms& atoms = codec_.atoms();
    if (std::isnan(number)) return done(out, atoms.nan);
    if (std::isinf(number)) return done(out, number > 0 ? atoms.infinity : atoms.neg_infinity);
    return done(out, enif_make_double(env_, number));
  }

  bool text(PyObject* object, ERL_NIF_TERM* out) {
#if PY_VERSION_HEX < 0x030C0000
    if (PyUnicode_READY(object) < 0) return fail_with_python_error();
#endif
    const Py_ssize_t length = PyUnicode_GET_LENGTH(object);
    if (PyUnicode_IS_ASCII(object)) {
      return done(out, data(object, PyUnicode_DATA(object), length));
    }
    if (length >= kShareFrom) return long_text(object, out);
    Py_ssize_t size;
    const char* utf8 = PyUnicode_AsUTF8AndSize(object, &size);
    if (utf8 == nullptr) return fail_to_encode();
    return done(out, make_binary(env_, {utf8, static_cast<std::size_t>(size)}));
  }

  /// Not by way of the UTF-8 form that a str caches, and keeps as long as it lives.
  [[gnu::noinline]] bool long_text(PyObject* object, ERL_NIF_TERM* out) {
    const PyRef utf8 = PyRef::steal(PyUnicode_AsUTF8String(object));
    if (!utf8) return fail_to_encode();
    return done(out, bytes(utf8.get()));
  }

  bool fail_to_encode() {
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) return fail_with_python_error();
    PyErr_Clear();
    return fail(Why::kLoneSurrogate);
  }

  ERL_NIF_TERM bytes(PyObject* object) {
    return data(object, PyBytes_AS_STRING(object), PyBytes_GET_SIZE(object));
  }

  /// A binary of `size` bytes of `owner`'s own memory, which never changes.
  ERL_NIF_TERM data(PyObject* owner, const void* start, Py_ssize_t size) {
    const auto count = static_cast<std::size_t>(size);
    if (size < kShareFrom) return make_binary(env_, {static_cast<const char*>(start), count});
    const auto keeper =
        codec_.beam_.bytes_owner.make(DeferredRef(py_, PyRef::borrow(owner), codec_.drops_));
    return enif_make_resource_binary(env_, keeper.get(), start, count);
  }

  [[gnu::noinline]] bool buffer(PyObject* object, ERL_NIF_TERM* out) {
    Py_buffer view;
    if (PyObject_GetBuffer(object, &view, PyBUF_FULL_RO) < 0) return fail_with_python_error();
    unsigned char* target = enif_make_new_binary(env_, static_cast<std::size_t>(view.len), out);
    const bool copied = view.len == 0 || PyBuffer_ToContiguous(target, &view, view.len, 'C') == 0;
    PyBuffer_Release(&view);
    return copied || fail_with_python_error();
  }

  /// Converts and pushes the element at `position`.
  bool push(PyObject* element, Py_ssize_t position, int depth) {
    const PyRef held = PyRef::borrow(element);
    ERL_NIF_TERM term;
    if (!convert(element, &term, depth)) {
      failure_.in_element(static_cast<std::size_t>(position));
      return false;
    }
    terms_.push(term);
    return true;
  }

  ERL_NIF_TERM pop_list(std::size_t base) noexcept {
    const auto count = static_cast<unsigned>(terms_.size() - base);
    const ERL_NIF_TERM list = enif_make_list_from_array(env_, terms_.from(base), count);
    terms_.truncate(base);
    return list;
  }

  bool list(PyObject* object, ERL_NIF_TERM* out, int depth) {
    if (is_too_deep(depth)) return fail(Why::kTooDeep);
    const std::size_t base = terms_.size();
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(object); ++i) {
      if (!push(PyList_GET_ITEM(object, i), i, depth)) return false;
    }
    return done(out, pop_list(base));
  }

  bool tuple(PyObject* object, ERL_NIF_TERM* out, int depth) {
    if (is_too_deep(depth)) return fail(Why::kTooDeep);
    const Py_ssize_t arity = PyTuple_GET_SIZE(object);
    if (arity > kMaxTupleArity) return fail(Why::kTooLarge);
    const std::size_t base = terms_.size();
    for (Py_ssize_t i = 0; i < arity; ++i) {
      if (!push(PyTuple_GET_ITEM(object, i), i, depth)) return false;
    }
    *out = enif_make_tuple_from_array(env_, terms_.from(base), static_cast<unsigned>(arity));
    terms_.truncate(base);
    return true;
  }

  bool set(PyObject* object, ERL_NIF_TERM* out, int depth) {
    if (is_too_deep(depth)) return fail(Why::kTooDeep);
    // The base type's own iterator: a subclass may have another idea of it.
    const PyRef elements = PyRef::steal(PySet_Type.tp_iter(object));
    if (!elements) return fail_with_python_error();
    const std::size_t base = terms_.size();
    Py_ssize_t i = 0;
    while (PyObject* element = Py_TYPE(elements.get())->tp_iternext(elements.get())) {
      const PyRef held = PyRef::steal(element);
      if (!push(element, i++, depth)) return false;
    }
    if (PyErr_Occurred()) return fail_changed();
    return done(out, pop_list(base));
  }

  bool fail_changed() noexcept {
    PyErr_Clear();
    return fail(Why::kChanged);
  }

  bool dict(PyObject* object, ERL_NIF_TERM* out, int depth) {
    if (is_too_deep(depth)) return fail(Why::kTooDeep);
    const auto count = static_cast<std::size_t>(PyDict_GET_SIZE(object));
    const std::size_t keys = terms_.size();
    const std::size_t values = keys + count;
    terms_.extend(2 * count);
    std::size_t i = 0;
    Py_ssize_t position = 0;
    for (PyObject *key, *value; PyDict_Next(object, &position, &key, &value); ++i) {
      if (i == count) return fail(Why::kChanged);
      ERL_NIF_TERM key_term, value_term;
      if (!pair(key, value, &key_term, &value_term, depth)) return false;
      terms_.set(keys + i, key_term);
      terms_.set(values + i, value_term);
    }
    if (i != count) return fail(Why::kChanged);
    if (!make_map(keys, values, count, out)) return fail_duplicate(keys, count);
    terms_.truncate(keys);
    return true;
  }

  /// False if two keys are the same. The VM says so of small maps only.
  bool make_map(std::size_t keys, std::size_t values, std::size_t count, ERL_NIF_TERM* out) {
    std::size_t size;
    return enif_make_map_from_arrays(env_, const_cast<ERL_NIF_TERM*>(terms_.from(keys)),
                                     const_cast<ERL_NIF_TERM*>(terms_.from(values)), count, out) &&
           enif_get_map_size(env_, *out, &size) && size == count;
  }

  bool pair(PyObject* key, PyObject* value, ERL_NIF_TERM* key_term, ERL_NIF_TERM* value_term,
            int depth) {
    const PyRef held_key = PyRef::borrow(key);
    const PyRef held_value = PyRef::borrow(value);
    if (!convert(key, key_term, depth)) {
      failure_.in_key(shown_key(py_, codec_, key));
      return false;
    }
    if (!convert(value, value_term, depth)) {
      failure_.in_value_of(shown_key(py_, codec_, key));
      return false;
    }
    return true;
  }

  /// Some of these keys are the same in Erlang, as "a" and b"a" are: names the first that is.
  [[gnu::noinline]] bool fail_duplicate(std::size_t keys, std::size_t count) {
    failure_.set(Why::kDuplicateKey);
    ERL_NIF_TERM seen = enif_make_new_map(env_);
    for (const ERL_NIF_TERM* key = terms_.from(keys); count > 0; ++key, --count) {
      ERL_NIF_TERM other;
      if (enif_get_map_value(env_, seen, *key, &other)) {
        failure_.in_key(shown_key(env_, *key));
        break;
      }
      enif_make_map_put(env_, seen, *key, *key, &seen);
    }
    return false;
  }

  const Attached& py_;
  Codec& codec_;
  ErlNifEnv* env_;
  Failure& failure_;
  TermStack terms_;
};

bool Codec::to_term(const Attached& py, ErlNifEnv* dst, PyObject* object, ERL_NIF_TERM* out,
                    Failure& failure) noexcept {
  try {
    return ToTerm(py, *this, dst, failure).convert(object, out, 0);
  } catch (const std::bad_alloc&) {
    failure.set(Why::kNoMemory);
  }
  return false;
}

}  // namespace ep::convert
