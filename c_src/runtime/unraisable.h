// An interruption that is raised in a finalizer or in a callback of a weak reference gets lost:
// there is no caller to raise it in, so Python reports it to sys.unraisablehook and goes on. This
// hook raises it once more, in the code below.
#pragma once

#include "cpython/attach.h"

namespace ep {

/// Puts the hook in front of the one that there is, for good; `module` is `_erlang`. What a program
/// puts there later should pass on what it does not know. False with a Python error set.
[[nodiscard]] bool keep_interruptions(const Attached&, PyObject* module) noexcept;

}  // namespace ep
