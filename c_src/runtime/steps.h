// The steps of a program, begun and ended as python3 does it (erlang._main, erlang._ending).
#pragma once

#include <functional>

#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep {

/// Calls what the generator `steps` yields, (function, subject) each, and sends back what that
/// raised, or None; `between` is called after each. So no frame of ours is below the program's. An
/// error is reported as ignored if there is a subject to name. The generator's value, or null with
/// a Python error set.
PyRef run_steps(const Attached&, PyObject* steps, const std::function<void()>& between);

}  // namespace ep
