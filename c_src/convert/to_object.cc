// Terms to objects.
#include "base/scope_guard.h"
#include "base/utf8.h"
#include "beam/external.h"
#include "convert/codec.h"
#include "convert/shown_key.h"
#include "cpython/integer.h"
#include "cpython/slot.h"

namespace ep::convert {

/// One conversion. Its methods return null with the failure filled and no Python error set; out of
/// memory, they throw PythonError with that set, or std::bad_alloc.
class ToObject {
 public:
  ToObject(Codec& codec, ErlNifEnv* env, Options options, Failure& failure)
      : codec_(codec), env_(env), options_(options), failure_(failure) {}

  PyRef convert(const Attached& py, ERL_NIF_TERM term, int depth) {
    switch (enif_term_type(env_, term)) {
      case ERL_NIF_TERM_TYPE_INTEGER:
        return integer(py, term);
      case ERL_NIF_TERM_TYPE_BITSTRING:
        return binary(py, term, options_.binary);
      case ERL_NIF_TERM_TYPE_ATOM:
        return codec_.seen(py, env_, term).object;
      case ERL_NIF_TERM_TYPE_FLOAT:
        return real(py, term);
      case ERL_NIF_TERM_TYPE_LIST:
        return list(py, term, depth + 1);
      case ERL_NIF_TERM_TYPE_TUPLE:
        return tuple(py, term, depth + 1);
      case ERL_NIF_TERM_TYPE_MAP:
        return map(py, term, depth + 1);
      case ERL_NIF_TERM_TYPE_PID:
        return codec_.wrap(py, Codec::kPid, env_, term);
      case ERL_NIF_TERM_TYPE_PORT:
        return codec_.wrap(py, Codec::kPort, env_, term);
      case ERL_NIF_TERM_TYPE_FUN:
        return codec_.wrap(py, Codec::kFun, env_, term);
      case ERL_NIF_TERM_TYPE_REFERENCE:
        return reference(py, term);
      default:
        break;
    }
    return fail(Why::kUnknownType);
  }

 private:
  PyRef fail(Why why) noexcept {
    failure_.set(why);
    return nullptr;
  }

  static PyRef checked(PyObject* owned) {
    if (owned == nullptr) throw PythonError{};
    return PyRef::steal(owned);
  }

  PyRef integer(const Attached& py, ERL_NIF_TERM term) {
    ErlNifSInt64 number;
    if (enif_get_int64(env_, term, &number)) return checked(PyLong_FromLongLong(number));
    return big_integer(py, term);
  }

  [[gnu::noinline]] PyRef big_integer(const Attached& py, ERL_NIF_TERM term) {
    BigInteger big(env_, term);
    return checked(make_integer(py, big.negative(), big.magnitude()).release());
  }

  PyRef real(const Attached&, ERL_NIF_TERM term) {
    double number = 0;
    enif_get_double(env_, term, &number);
    return checked(PyFloat_FromDouble(number));
  }

  [[gnu::noinline]] PyRef binary(const Attached&, ERL_NIF_TERM term, BinaryAs as) {
    ErlNifBinary binary;
    if (!enif_inspect_binary(env_, term, &binary)) return fail(Why::kBitstring);
    const char* data = reinterpret_cast<const char*>(binary.data);
    const auto size = static_cast<Py_ssize_t>(binary.size);
    if (as == BinaryAs::kBytes) return checked(PyBytes_FromStringAndSize(data, size));
    if (classify_utf8({data, binary.size}) != Utf8::kInvalid) {
      return checked(PyUnicode_DecodeUTF8(data, size, "strict"));
    }
    if (as == BinaryAs::kStr) return fail(Why::kNotUtf8);
    return checked(PyBytes_FromStringAndSize(data, size));
  }

  PyRef reference(const Attached& py, ERL_NIF_TERM term) {
    const OpaqueRef* opaque = codec_.beam_.opaque.get(env_, term);
    if (opaque == nullptr) return codec_.wrap(py, Codec::kRef, env_, term);
    if (!opaque->object.belongs_to(*codec_.drops_)) return fail(Why::kOtherInterpreter);
    return PyRef::borrow(opaque->object.get(py));
  }

  PyRef list(const Attached& py, ERL_NIF_TERM term, int depth) {
    unsigned length;
    if (!enif_get_list_length(env_, term, &length)) return fail(Why::kImproperList);
    if (is_too_deep(depth)) return fail(Why::kTooDeep);
    PyRef list = checked(PyList_New(static_cast<Py_ssize_t>(length)));
    ERL_NIF_TERM head;
    for (Py_ssize_t i = 0; enif_get_list_cell(env_, term, &head, &term); ++i) {
      PyRef element = convert(py, head, depth);
      if (!element) return fail_in(i);
      PyList_SET_ITEM(list.get(), i, element.release());
    }
    return list;
  }

  PyRef tuple(const Attached& py, ERL_NIF_TERM term, int depth) {
    int arity;
    const ERL_NIF_TERM* elements;
    enif_get_tuple(env_, term, &arity, &elements);
    if (arity == 2 && elements[0] == codec_.atoms().bytes && enif_is_binary(env_, elements[1])) {
      return binary(py, elements[1], BinaryAs::kBytes);
    }
    if (is_too_deep(depth)) return fail(Why::kTooDeep);
    PyRef tuple = checked(PyTuple_New(arity));
    for (int i = 0; i < arity; ++i) {
      PyRef element = convert(py, elements[i], depth);
      if (!element) return fail_in(i);
      PyTuple_SET_ITEM(tuple.get(), i, element.release());
    }
    return tuple;
  }

  PyRef fail_in(Py_ssize_t position) noexcept {
    failure_.in_element(static_cast<std::size_t>(position));
    return nullptr;
  }

  PyRef map(const Attached& py, ERL_NIF_TERM term, int depth) {
    if (is_too_deep(depth)) return fail(Why::kTooDeep);
    PyRef dict = checked(PyDict_New());
    ErlNifMapIterator pairs;
    if (!enif_map_iterator_create(env_, term, &pairs, ERL_NIF_MAP_ITERATOR_FIRST)) {
      throw std::bad_alloc();
    }
    const OnExit destroy([&] { enif_map_iterator_destroy(env_, &pairs); });
    ERL_NIF_TERM key, value;
    for (; enif_map_iterator_get_pair(env_, &pairs, &key, &value);
         enif_map_iterator_next(env_, &pairs)) {
      if (!add_pair(py, dict.get(), key, value, depth)) return nullptr;
    }
    return dict;
  }

  bool add_pair(const Attached& py, PyObject* dict, ERL_NIF_TERM key, ERL_NIF_TERM value,
                int depth) {
    const PyRef key_object = convert(py, key, depth);
    if (!key_object) return fail_in_key(key);
    const PyRef value_object = convert(py, value, depth);
    if (!value_object) {
      failure_.in_value_of(shown_key(env_, key));
      return false;
    }
    const Py_ssize_t size = PyDict_GET_SIZE(dict);
    if (PyDict_SetItem(dict, key_object.get(), value_object.get()) < 0) {
      return fail_to_hash(py, key);
    }
    // 1 and 1.0, true and 1, none and nil, an atom and a binary: the same key in Python.
    if (PyDict_GET_SIZE(dict) != size + 1) {
      failure_.set(Why::kDuplicateKey);
      return fail_in_key(key);
    }
    return true;
  }

  bool fail_in_key(ERL_NIF_TERM key) {
    failure_.in_key(shown_key(env_, key));
    return false;
  }

  [[gnu::noinline]] bool fail_to_hash(const Attached& py, ERL_NIF_TERM key) {
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
      PyErr_Clear();
      failure_.set(Why::kUnhashableKey);
    } else {
      failure_.set_from_python(py);
    }
    return fail_in_key(key);
  }

  Codec& codec_;
  ErlNifEnv* env_;
  Options options_;
  Failure& failure_;
};

PyRef Codec::to_object(const Attached& py, ErlNifEnv* env, ERL_NIF_TERM term,
                       const Options& options, Failure& failure) noexcept {
  try {
    return ToObject(*this, env, options, failure).convert(py, term, 0);
  } catch (const PythonError&) {
    failure.set_from_python(py);
  } catch (const std::bad_alloc&) {
    failure.set(Why::kNoMemory);
  }
  return nullptr;
}

}  // namespace ep::convert
