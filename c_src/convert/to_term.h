// ToTerm: one conversion of an object to a term. What Codec::to_term() does.
//
// Python code can run in the midst of this (a garbage collection that a new object sets off), and
// change the very containers that are being converted: elements are held while they are converted,
// and sizes are looked at again.
#pragma once

#include "beam/term_stack.h"
#include "convert/codec.h"

namespace ep {
class MapBuilder;
}

namespace ep::convert {

/// Attached. Its methods return false with the failure filled and no Python error set, or throw
/// std::bad_alloc.
class ToTerm {
 public:
  ToTerm(const Attached& py, Codec& codec, ErlNifEnv* env, ERL_NIF_TERM none, Failure& failure)
      : py_(py), codec_(codec), env_(env), none_(none), failure_(failure) {}
  ToTerm(const ToTerm&) = delete;
  ToTerm& operator=(const ToTerm&) = delete;

  bool convert(PyObject* object, ERL_NIF_TERM* out, int depth);

 private:
  static bool done(ERL_NIF_TERM* out, ERL_NIF_TERM term) noexcept {
    *out = term;
    return true;
  }
  ERL_NIF_TERM boolean(bool value) const noexcept {
    return value ? codec_.atoms().true_ : codec_.atoms().false_;
  }
  bool fail(Why why) noexcept {
    failure_.set(why);
    return false;
  }
  bool fail_with_python_error() noexcept {
    failure_.set_from_python(py_);
    return false;
  }

  // to_term.cc: what has no elements.
  bool by_base(PyObject* object, ERL_NIF_TERM* out, int depth);
  bool wrapped_term(PyObject* object, ERL_NIF_TERM* out) noexcept;
  bool integer(PyObject* object, ERL_NIF_TERM* out);
  bool big_integer(PyObject* object, bool negative, ERL_NIF_TERM* out);
  bool numpy_number(PyObject* object, NumpyTypes::Kind kind, ERL_NIF_TERM* out);
  bool real(double number, ERL_NIF_TERM* out) noexcept;
  bool text(PyObject* object, ERL_NIF_TERM* out);
  bool long_text(PyObject* object, ERL_NIF_TERM* out);
  bool fail_to_encode();
  ERL_NIF_TERM bytes(PyObject* object);
  ERL_NIF_TERM data(PyObject* owner, const void* start, Py_ssize_t size);
  bool buffer(PyObject* object, ERL_NIF_TERM* out);

  // containers_to_term.cc
  bool push(PyObject* element, Py_ssize_t position, int depth);
  ERL_NIF_TERM pop_list(std::size_t base) noexcept;
  bool list(PyObject* object, ERL_NIF_TERM* out, int depth);
  bool tuple(PyObject* object, ERL_NIF_TERM* out, int depth);
  bool set(PyObject* object, ERL_NIF_TERM* out, int depth);
  bool dict(PyObject* object, ERL_NIF_TERM* out, int depth);
  bool large_dict(PyObject* object, ERL_NIF_TERM* out, int depth);
  bool put_pairs(PyObject* object, MapBuilder& map, int depth);
  bool make_map(std::size_t keys, std::size_t values, std::size_t count, ERL_NIF_TERM* out);
  bool pair(PyObject* key, PyObject* value, ERL_NIF_TERM* key_term, ERL_NIF_TERM* value_term,
            int depth);
  bool fail_changed() noexcept;
  bool fail_duplicate(ERL_NIF_TERM key);
  bool fail_first_duplicate(std::size_t keys, std::size_t count);

  const Attached& py_;
  Codec& codec_;
  ErlNifEnv* env_;           // where terms are made right now
  const ERL_NIF_TERM none_;  // what None becomes
  Failure& failure_;
  TermStack terms_;
};

}  // namespace ep::convert
