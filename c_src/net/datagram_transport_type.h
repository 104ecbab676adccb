// The Python type of datagram transports, `_erlang._ErlangDatagramTransport`.
#pragma once

#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep::net {

/// `bases` are asyncio's. Null: Python error set.
PyRef new_datagram_transport_type(const Attached& py, PyObject* module, PyObject* bases) noexcept;

}  // namespace ep::net
