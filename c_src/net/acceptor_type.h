// The Python type of acceptors, `_erlang.Acceptor`, for loop._start_serving().
#pragma once

#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep::net {

/// Null: Python error set.
PyRef new_acceptor_type(const Attached& py, PyObject* module) noexcept;

}  // namespace ep::net
