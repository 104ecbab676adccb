// Python integers of any size as sign and magnitude, the magnitude in little-endian bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep {

/// The absolute value of an int, or of an instance of a subclass, as a plain int; runs none of the
/// subclass's code. Null with a Python error set.
PyRef absolute_value(const Attached&, PyObject* integer) noexcept;

/// Enough bytes for the value of `natural`, an int not below 0.
std::size_t magnitude_size(const Attached&, PyObject* natural) noexcept;

/// Fills `bytes`, of magnitude_size() bytes. False with a Python error set.
bool get_magnitude(const Attached&, PyObject* natural, std::span<std::uint8_t> bytes) noexcept;

/// Null with a Python error set.
PyRef make_integer(const Attached&, bool negative,
                   std::span<const std::uint8_t> magnitude) noexcept;

}  // namespace ep
