// Receiver: the way that what a stream reads takes to its protocol. Chosen when the protocol is
// set, as asyncio chooses between data_received() and get_buffer().
//
// The methods themselves are looked up for each delivery: a program may rebind them at any time, on
// the object, on its class, or by another class. Python's method cache makes that cost next to
// nothing. For the same reason kStream and kTls are no more than a permission to try: whether
// everything is still as the standard library, or we, have written it is asked each time.
#pragma once

#include "cpython/attach.h"

namespace ep::net {

struct NetTypes;

enum class Receiver : unsigned char {
  kBytes,   // data_received() gets a bytes object
  kStream,  // the same; it is asyncio's protocol for streams: see stream_feed.h
  kBuffer,  // a BufferedProtocol: get_buffer() says where to put it
  kTls,     // the same; it is our protocol for TLS: see tls_records.h
};

/// Throws PythonError.
Receiver choose_receiver(const Attached& py, const NetTypes& types, PyObject* protocol);

}  // namespace ep::net
