// What the net layer puts into the `_erlang` module: load_transports(), which adds the types
// _ErlangSocketTransport, _ErlangDatagramTransport, TransportTable and Acceptor.
#pragma once

#include "cpython/interpreter.h"

namespace ep::net {

/// While the module is made. False: Python error set.
[[nodiscard]] bool add_to_module(const Attached& py, PyObject* module) noexcept;

}  // namespace ep::net
