// NetTypes: this layer's part of a module's state: its types, and what they need of asyncio.
//
// One for each interpreter, owned by its `_erlang` module, which the types keep alive. Empty until
// load_transports(), as the types derive from asyncio's.
#pragma once

#include <optional>

#include "cpython/attach.h"
#include "cpython/interpreter.h"
#include "cpython/name.h"
#include "cpython/ref.h"
#include "net/address_cache.h"
#include "net/bytes_pool.h"
#include "net/stream_feed.h"
#include "net/tls_records.h"

namespace ep::net {

/// Names of attributes and methods.
struct NetNames {
  // Of a server.
  Name attach{"_attach"};
  Name detach{"_detach"};
  // Of a protocol.
  Name buffer_updated{"buffer_updated"};
  Name connection_lost{"connection_lost"};
  Name connection_made{"connection_made"};
  Name data_received{"data_received"};
  Name datagram_received{"datagram_received"};
  Name eof_received{"eof_received"};
  Name error_received{"error_received"};
  Name get_buffer{"get_buffer"};
  Name pause_writing{"pause_writing"};
  Name resume_writing{"resume_writing"};
  // Of a loop.
  Name call_exception_handler{"call_exception_handler"};
  Name call_later{"call_later"};
  Name create_future{"create_future"};
  Name transports{"_transports"};
  // Of a socket.
  Name close{"close"};
  Name fileno{"fileno"};
  Name setblocking{"setblocking"};
  // Of get_extra_info().
  Name peername{"peername"};
  Name sockname{"sockname"};
  Name socket{"socket"};
  // Of a future.
  Name done{"done"};
  Name set_exception{"set_exception"};
  Name set_result{"set_result"};
};

struct NetTypes final : InterpreterPart {
  /// Throws PythonError.
  explicit NetTypes(const Internals& internals) : bytes(internals.bytes_reuse) {}

  PyRef stream_transport;
  PyRef datagram_transport;
  PyRef acceptor;
  PyRef transport_table;
  PyRef tls_records;
  PyRef tls_writer;

  PyRef buffered_protocol;               // asyncio.BufferedProtocol
  PyRef transport_socket;                // asyncio.trsock.TransportSocket
  PyRef socket_class;                    // socket.socket
  PyRef wake_waiter;                     // asyncio.futures._set_result_unless_cancelled
  PyRef log;                             // asyncio.log.logger
  PyRef try_native;                      // asyncio.constants._SendfileMode.TRY_NATIVE
  bool servers_know_transports = false;  // Server._attach(transport), since 3.13
  AddressCache addresses;
  BytesPool bytes;
  std::optional<StreamParts> streams;
  std::optional<TlsParts> tls;
  NetNames names;

  int traverse(visitproc visit, void* arg) const override;
};

/// Fills `types`, the types of transports included, and makes them attributes of `module`. False:
/// Python error set.
bool load_transports(const Attached& py, PyObject* module, NetTypes& types);

}  // namespace ep::net
