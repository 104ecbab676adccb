// Failure: why a conversion failed, and where in the term or object.
//
// Empty, it costs nothing; it is filled from the offending element outwards. It holds neither
// terms that can die (atoms live for ever) nor Python objects, so it may outlive what it is about.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "beam/atoms.h"
#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep::convert {

class Codec;

/// Documented, with the atom of each, in docs/conversions.md.
enum class Why : std::uint8_t {
  kNone,
  kImproperList,
  kBitstring,
  kNotUtf8,
  kLoneSurrogate,
  kUnhashableKey,
  kDuplicateKey,
  kTooDeep,
  kTooLarge,
  kChanged,
  kOtherInterpreter,
  kUnknownType,
  kNoObject,
  kNoMemory,
  kPythonError,  // the text says which
};

/// A key short enough to be shown: an integer, an atom's term, or text.
struct AtomKey {
  ERL_NIF_TERM atom;
  std::string name;  // UTF-8
};
using ShownKey = std::variant<std::int64_t, AtomKey, std::string>;

class Failure {
 public:
  explicit operator bool() const noexcept { return why_ != Why::kNone; }
  Why why() const noexcept { return why_; }

  void set(Why why) noexcept { why_ = why; }
  /// Takes the Python error that is set. MemoryError becomes kNoMemory.
  void set_from_python(const Attached&) noexcept;

  /// The failure lies in the element at `position` (from 0) of what the caller converts. A caller
  /// that walks a list itself, say of arguments, adds the step itself.
  void in_element(std::size_t position) noexcept;
  void in_value_of(ShownKey key) noexcept;
  void in_key(ShownKey key) noexcept;

  /// {conversion, Path, Why}
  ERL_NIF_TERM reason(ErlNifEnv*, const Atoms&) const noexcept;

  /// Sets erlang.ConversionError, or MemoryError.
  void raise(const Attached&, Codec&) const noexcept;

  /// "cannot convert [3]['name']: a lone surrogate can't be UTF-8"
  std::string text() const;
  /// The same as a str. Null with a Python error set.
  PyRef text_object(const Attached&) const;

 private:
  struct Step {
    enum Kind : std::uint8_t { kElement, kValue, kKey } kind;
    ShownKey at;
  };
  void add(Step::Kind kind, ShownKey at) noexcept;
  ERL_NIF_TERM step_term(ErlNifEnv*, const Atoms&, const Step&) const;
  ERL_NIF_TERM why_term(ErlNifEnv*, const Atoms&) const;
  PyRef path_object(const Attached&) const;

  Why why_ = Why::kNone;
  std::string text_;         // of kPythonError
  std::vector<Step> steps_;  // innermost first
};

}  // namespace ep::convert
