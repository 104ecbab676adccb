// Sandbox: Python code that would fork the VM, or put another program in its place, gets a
// PermissionError that says what to use instead. Without it a fork would leave a copy of the VM
// with one thread, and exec would end the node without a word.
//
// It keeps programs from mistakes; it is no boundary for hostile code (docs/security.md). It lasts
// for the life of the process, as audit hooks do, and holds in all threads and interpreters.
#pragma once

#include "cpython/attach.h"

namespace ep {

/// Before Python is initialized. False if there is no memory.
[[nodiscard]] bool enter_sandbox() noexcept;

/// After that: closes what audit hooks don't get to see. False with a Python error set.
[[nodiscard]] bool close_gaps_of_sandbox(const Attached&) noexcept;

}  // namespace ep
