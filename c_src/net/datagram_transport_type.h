// The Python type of datagram transports, `_erlang._ErlangDatagramTransport`.
#pragma once

#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep::net {

/// `base` is asyncio.DatagramTransport. Null: Python error set.
PyRef new_datagram_transport_type(const Attached& py, PyObject* module, PyObject* base) noexcept;

}  // namespace ep::net
