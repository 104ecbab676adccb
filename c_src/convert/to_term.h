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

/// Its methods return false with the failure filled and no Python error set, or throw
/// std::bad_alloc.
class ToTerm {
 public:
  ToTerm(Codec& codec, ErlNifEnv* env, ERL_NIF_TERM none, Failure& failure)
      : codec_(codec), env_(env), none_(none), failure_(failure) {}
  ToTerm(const ToTerm&) = delete;
  ToTerm& operator=(const ToTerm&) = delete;

  bool convert(const Attached& py, PyObject* object, ERL_NIF_TERM* out, int depth);

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
  bool fail_with_python_error(const Attached& py) noexcept {
    failure_.set_from_python(py);
    return false;
  }

  // to_term.cc: what has no elements.
  bool by_base(const Attached& py, PyObject* object, ERL_NIF_TERM* out, int depth);
  bool wrapped_term(PyObject* object, ERL_NIF_TERM* out) noexcept;
  bool integer(const Attached& py, PyObject* object, ERL_NIF_TERM* out);
  bool big_integer(const Attached& py, PyObject* object, bool negative, ERL_NIF_TERM* out);
  bool numpy_number(const Attached& py, PyObject* object, NumpyTypes::Kind kind, ERL_NIF_TERM* out);
  bool real(double number, ERL_NIF_TERM* out) noexcept;
  bool text(const Attached& py, PyObject* object, ERL_NIF_TERM* out);
  bool long_text(const Attached& py, PyObject* object, ERL_NIF_TERM* out);
  bool fail_to_encode(const Attached& py);
  ERL_NIF_TERM bytes(const Attached& py, PyObject* object);
  ERL_NIF_TERM data(const Attached& py, PyObject* owner, const void* start, Py_ssize_t size);
  bool buffer(const Attached& py, PyObject* object, ERL_NIF_TERM* out);

  // containers_to_term.cc
  bool push(const Attached& py, PyObject* element, Py_ssize_t position, int depth);
  ERL_NIF_TERM pop_list(std::size_t base) noexcept;
  bool list(const Attached& py, PyObject* object, ERL_NIF_TERM* out, int depth);
  bool tuple(const Attached& py, PyObject* object, ERL_NIF_TERM* out, int depth);
  bool set(const Attached& py, PyObject* object, ERL_NIF_TERM* out, int depth);
  bool dict(const Attached& py, PyObject* object, ERL_NIF_TERM* out, int depth);
  bool large_dict(const Attached& py, PyObject* object, ERL_NIF_TERM* out, int depth);
  bool put_pairs(const Attached& py, PyObject* object, MapBuilder& map, int depth);
  bool make_map(std::size_t keys, std::size_t values, std::size_t count, ERL_NIF_TERM* out);
  bool pair(const Attached& py, PyObject* key, PyObject* value, ERL_NIF_TERM* key_term,
            ERL_NIF_TERM* value_term, int depth);
  bool fail_changed(const Attached& py) noexcept;
  bool fail_duplicate(ERL_NIF_TERM key);
  bool fail_first_duplicate(std::size_t keys, std::size_t count);

  Codec& codec_;
  ErlNifEnv* env_;           // where terms are made right now
  const ERL_NIF_TERM none_;  // what None becomes
  Failure& failure_;
  TermStack terms_;
};

}  // namespace ep::convert
