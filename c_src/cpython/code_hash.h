// Which code a Python function has, as a number: what stands in for a function of the standard
// library must know that it is the one that it was written after.
#pragma once

#include <cstdint>
#include <span>

#include "cpython/attach.h"

namespace ep {

/// Made of the bytecode, constants and names, as one version of CPython's compiler makes them of
/// one source. File names and lines don't count; -O and -OO may. 0 if it is no Python function.
/// Throws PythonError.
std::uint64_t code_hash(const Attached&, PyObject* function);

/// Is the function's hash in `known`? Leaves no Python error set.
bool has_known_code(const Attached&, PyObject* function,
                    std::span<const std::uint64_t> known) noexcept;

}  // namespace ep
