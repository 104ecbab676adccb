// NetTypes: this layer's part of a module's state: its types, and what they need of asyncio.
//
// One for each interpreter, owned by its `_erlang` module, which the types keep alive. Empty until
// load_transports(), as the types derive from asyncio's.
#pragma once

#include "cpython/attach.h"
#include "cpython/interpreter.h"
#include "cpython/ref.h"
#include "net/address_cache.h"
#include "net/bytes_pool.h"
#include "net/stream_feed.h"
#include "net/tls_records.h"

namespace ep::net {

/// Names of attributes and methods, interned.
struct NetNames {
  PyRef attach, detach;  // of a server
  PyRef buffer_updated, connection_lost, connection_made, data_received, datagram_received;
  PyRef eof_received, error_received, get_buffer, pause_writing, resume_writing;  // of a protocol
  PyRef call_exception_handler, call_later, create_future, transports;            // of a loop
  PyRef close, fileno, setblocking;                                               // of a socket
  PyRef peername, sockname, socket;       // of get_extra_info()
  PyRef done, set_exception, set_result;  // of a future
};

struct NetTypes final : InterpreterPart {
  PyRef stream_transport;
  PyRef datagram_transport;
  PyRef acceptor;
  PyRef transport_table;
  PyRef tls_records;
  PyRef tls_writer;

  PyRef buffered_protocol;               // asyncio.BufferedProtocol
  PyRef transport_socket;                // asyncio.trsock.TransportSocket
  PyRef socket_class;                    // socket.socket
  PyRef socket_fileno;                   // its method fileno()
  PyRef wake_waiter;                     // asyncio.futures._set_result_unless_cancelled
  PyRef log;                             // asyncio.log.logger
  PyRef try_native;                      // asyncio.constants._SendfileMode.TRY_NATIVE
  bool socket_layout_known = false;      // see owned_socket.h
  bool servers_know_transports = false;  // Server._attach(transport), since 3.13
  AddressCache addresses;
  BytesPool bytes;
  StreamParts streams;
  TlsParts tls;
  NetNames names;

  int traverse(visitproc visit, void* arg) const override;
};

/// Fills `types`, the types of transports included, and makes them attributes of `module`. False:
/// Python error set.
bool load_transports(const Attached& py, PyObject* module, NetTypes& types);

}  // namespace ep::net
