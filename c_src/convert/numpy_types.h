// NumpyTypes: which types are scalars of numpy that are numbers of Erlang's. Attached.
//
// numpy.float64 needs none of this, being a float. An extended float or a complex number has no
// number in Erlang that it is equal to, and what has a unit (timedelta64) is more than a number.
#pragma once

#include <array>
#include <cstdint>

#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep::convert {

class NumpyTypes {
 public:
  enum class Kind : std::uint8_t { kNone, kBoolean, kInteger, kFloat };

  /// Leaves no Python error set. Where nobody has imported numpy there is nothing of it.
  Kind kind_of(const Attached&, PyTypeObject* type) noexcept;

 private:
  bool find() noexcept;
  bool derives(PyTypeObject* type, std::size_t index) const noexcept;

  enum Index : std::size_t { kBool, kInteger, kTimedelta, kFloating, kLongDouble, kTypes };
  static constexpr const char* kNames[kTypes] = {"bool_", "integer", "timedelta64", "floating",
                                                 "longdouble"};

  PyRef module_;  // that types_ are of; null: none has been found
  std::array<PyRef, kTypes> types_;
};

}  // namespace ep::convert
