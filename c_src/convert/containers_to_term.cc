// Objects to terms: lists, tuples, sets and dicts.
#include "base/scope_guard.h"
#include "beam/map_builder.h"
#include "convert/shown_key.h"
#include "convert/to_term.h"

namespace ep::convert {
namespace {

/// The VM has 24 bits for it.
constexpr Py_ssize_t kMaxTupleArity = (1 << 24) - 1;

}  // namespace

/// Converts and pushes the element at `position`.
bool ToTerm::push(const Attached& py, PyObject* element, Py_ssize_t position, int depth) {
  const PyRef held = PyRef::borrow(element);
  ERL_NIF_TERM term;
  if (!convert(py, element, &term, depth)) {
    failure_.in_element(static_cast<std::size_t>(position));
    return false;
  }
  terms_.push(term);
  return true;
}

ERL_NIF_TERM ToTerm::pop_list(std::size_t base) noexcept {
  const auto count = static_cast<unsigned>(terms_.size() - base);
  const ERL_NIF_TERM list = enif_make_list_from_array(env_, terms_.from(base), count);
  terms_.truncate(base);
  return list;
}

bool ToTerm::list(const Attached& py, PyObject* object, ERL_NIF_TERM* out, int depth) {
  if (is_too_deep(depth)) return fail(Why::kTooDeep);
  const std::size_t base = terms_.size();
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(object); ++i) {
    if (!push(py, PyList_GET_ITEM(object, i), i, depth)) return false;
  }
  return done(out, pop_list(base));
}

bool ToTerm::tuple(const Attached& py, PyObject* object, ERL_NIF_TERM* out, int depth) {
  if (is_too_deep(depth)) return fail(Why::kTooDeep);
  const Py_ssize_t arity = PyTuple_GET_SIZE(object);
  if (arity > kMaxTupleArity) return fail(Why::kTooLarge);
  const std::size_t base = terms_.size();
  for (Py_ssize_t i = 0; i < arity; ++i) {
    if (!push(py, PyTuple_GET_ITEM(object, i), i, depth)) return false;
  }
  *out = enif_make_tuple_from_array(env_, terms_.from(base), static_cast<unsigned>(arity));
  terms_.truncate(base);
  return true;
}

bool ToTerm::set(const Attached& py, PyObject* object, ERL_NIF_TERM* out, int depth) {
  if (is_too_deep(depth)) return fail(Why::kTooDeep);
  // The base type's own iterator: a subclass may have another idea of it.
  const PyRef elements = PyRef::steal(PySet_Type.tp_iter(object));
  if (!elements) return fail_with_python_error(py);
  const std::size_t base = terms_.size();
  Py_ssize_t i = 0;
  while (PyObject* element = Py_TYPE(elements.get())->tp_iternext(elements.get())) {
    const PyRef held = PyRef::steal(element);
    if (!push(py, element, i++, depth)) return false;
  }
  if (PyErr_Occurred()) return fail_changed(py);
  return done(out, pop_list(base));
}

bool ToTerm::fail_changed(const Attached&) noexcept {
  PyErr_Clear();
  return fail(Why::kChanged);
}

bool ToTerm::dict(const Attached& py, PyObject* object, ERL_NIF_TERM* out, int depth) {
  if (is_too_deep(depth)) return fail(Why::kTooDeep);
  const auto count = static_cast<std::size_t>(PyDict_GET_SIZE(object));
  if (count > codec_.beam_.most_pairs_at_once) return large_dict(py, object, out, depth);
  const std::size_t keys = terms_.size();
  const std::size_t values = keys + count;
  terms_.extend(2 * count);
  std::size_t i = 0;
  Py_ssize_t position = 0;
  for (PyObject *key, *value; PyDict_Next(object, &position, &key, &value); ++i) {
    if (i == count) return fail(Why::kChanged);
    ERL_NIF_TERM key_term, value_term;
    if (!pair(py, key, value, &key_term, &value_term, depth)) return false;
    terms_.set(keys + i, key_term);
    terms_.set(values + i, value_term);
  }
  if (i != count) return fail(Why::kChanged);
  if (!make_map(keys, values, count, out)) return fail_first_duplicate(keys, count);
  terms_.truncate(keys);
  return true;
}

/// False if two keys are the same. Of more than 32 keys, the VM up to OTP 28 does not say so: it
/// takes one of the two, and what it makes is not to be used (erlang/otp issue 10975).
bool ToTerm::make_map(std::size_t keys, std::size_t values, std::size_t count, ERL_NIF_TERM* out) {
  std::size_t size;
  return enif_make_map_from_arrays(env_, const_cast<ERL_NIF_TERM*>(terms_.from(keys)),
                                   const_cast<ERL_NIF_TERM*>(terms_.from(values)), count, out) &&
         enif_get_map_size(env_, *out, &size) && size == count;
}

bool ToTerm::large_dict(const Attached& py, PyObject* object, ERL_NIF_TERM* out, int depth) {
  MapBuilder map(codec_.scratch_);
  {
    ErlNifEnv* const outer = env_;
    const OnExit restore([&] { env_ = outer; });
    if (!put_pairs(py, object, map, depth)) return false;
  }
  return done(out, map.copy_to(env_));
}

/// Each pair is made where the map is, so that one can go into the other.
bool ToTerm::put_pairs(const Attached& py, PyObject* object, MapBuilder& map, int depth) {
  const auto count = static_cast<std::size_t>(PyDict_GET_SIZE(object));
  Py_ssize_t position = 0;
  for (PyObject *key, *value; PyDict_Next(object, &position, &key, &value);) {
    if (map.size() == count) return fail(Why::kChanged);
    ERL_NIF_TERM key_term, value_term;
    env_ = map.env();
    if (!pair(py, key, value, &key_term, &value_term, depth)) return false;
    if (!map.put(key_term, value_term)) return fail_duplicate(key_term);
  }
  return map.size() == count || fail(Why::kChanged);
}

bool ToTerm::pair(const Attached& py, PyObject* key, PyObject* value, ERL_NIF_TERM* key_term,
                  ERL_NIF_TERM* value_term, int depth) {
  const PyRef held_key = PyRef::borrow(key);
  const PyRef held_value = PyRef::borrow(value);
  if (!convert(py, key, key_term, depth)) {
    failure_.in_key(shown_key(py, codec_, key));
    return false;
  }
  if (!convert(py, value, value_term, depth)) {
    failure_.in_value_of(shown_key(py, codec_, key));
    return false;
  }
  return true;
}

/// Two keys are the same in Erlang, as "a" and b"a" are.
bool ToTerm::fail_duplicate(ERL_NIF_TERM key) {
  failure_.set(Why::kDuplicateKey);
  failure_.in_key(shown_key(env_, key));
  return false;
}

bool ToTerm::fail_first_duplicate(std::size_t keys, std::size_t count) {
  ERL_NIF_TERM seen = enif_make_new_map(env_);
  for (std::size_t i = keys; i < keys + count; ++i) {
    const ERL_NIF_TERM key = *terms_.from(i);
    ERL_NIF_TERM other;
    if (enif_get_map_value(env_, seen, key, &other)) return fail_duplicate(key);
    enif_make_map_put(env_, seen, key, key, &seen);
  }
  return fail(Why::kDuplicateKey);
}

}  // namespace ep::convert
