// The Python type of stream transports, `_erlang._ErlangSocketTransport`.
#pragma once

#include "net/transport.h"

namespace ep::net {

/// `bases` are asyncio's. Null: Python error set.
PyRef new_stream_transport_type(const Attached& py, PyObject* module, PyObject* bases) noexcept;

/// A transport that has begun: connection_made() is queued. Throws PythonError; then the socket has
/// been closed, if it was a plain descriptor.
PyRef new_stream_transport(const OnLoop& py, NetTypes& types, TransportParts parts);

}  // namespace ep::net
