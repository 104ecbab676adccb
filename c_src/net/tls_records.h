// TlsRecords: the way of a TLS record between a transport and the user's protocol, in C++.
//
// asyncio.sslproto.SSLProtocol does TLS with the objects of the ssl module. What it does for each
// record, some ten Python functions, takes longer than the cryptography. Our protocol derives from
// it and from this, and does here what concerns data while nothing waits, nothing is paused and no
// shutdown has begun. All else, handshake, shutdown and flow control, is asyncio's own code. The
// two share the attributes, which are kept where C++ finds them.
//
// Attached, the loop's thread.
#pragma once

#include <span>

#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep::net {

struct NetTypes;

/// What this needs of asyncio.sslproto.
struct TlsParts {
  PyRef wrapped;          // SSLProtocolState.WRAPPED
  PyRef again_errors;     // the errors that ask for more data
  PyRef buffer_updated;   // a function of SSLProtocol
  PyRef transport_write;  // of _SSLProtocolTransport
  // Interned names.
  PyRef call_eof_received, control_app_writing, control_ssl_reading, data_received, do_write,
      pending, process_outgoing, read, ssl_protocol, sslobj, start_shutdown, write, write_appdata;

  /// Throws PythonError.
  static TlsParts import(const Attached& py);
  int traverse(visitproc visit, void* arg) const;
};

/// The Python object, of which asyncio's attributes are part.
struct TlsRecords {
  // clang-format off
  PyObject_HEAD
  // As SSLProtocol names them, with an underscore in front. Null: not set yet.
  PyObject* state;
  // clang-format on
  PyObject* app_protocol;
  PyObject* app_protocol_is_buffer;
  PyObject* app_reading_paused;
  PyObject* app_writing_paused;
  PyObject* incoming;  // ssl.MemoryBIO, as is outgoing
  PyObject* incoming_high_water;
  PyObject* outgoing;
  PyObject* outgoing_high_water;
  PyObject* ssl_buffer_view;  // a memoryview: where the transport puts what it receives
  PyObject* ssl_reading_paused;
  PyObject* ssl_writing_paused;
  PyObject* sslobj;  // ssl.SSLObject
  PyObject* transport;
  PyObject* write_backlog;  // collections.deque
  PyObject* write_buffer_size;
  // Our own.
  PyObject* session;     // the object in C that an SSLObject passes calls on to
  PyObject* session_of;  // which SSLObject

  static TlsRecords& of(PyObject* self) noexcept { return *reinterpret_cast<TlsRecords*>(self); }
  PyObject* object() noexcept { return reinterpret_cast<PyObject*>(this); }
};

// For methods of Python objects, and for those who pass these by; null: Python error set.

/// SSLProtocol.get_buffer(): the memory to put what is received. Empty: Python error set.
std::span<char> receive_buffer(const Attached& py, const TlsRecords& tls) noexcept;
/// SSLProtocol.buffer_updated(): so much has been received.
PyRef received(const Attached& py, const NetTypes& types, TlsRecords& tls, std::size_t count);
/// _SSLProtocolTransport.write() of the transport that the application writes to.
PyRef write_to_tls(const Attached& py, const NetTypes& types, PyObject* app_transport,
                   PyObject* data);

/// Has `protocol`, a TlsRecords when the transport got it, still the methods that call the first
/// two of the above? Leaves no error set.
bool is_plain_tls(const Attached& py, const NetTypes& types, PyObject* protocol) noexcept;

// The types. Null: Python error set.
/// `_erlang.TLSRecords`, a base of our SSLProtocol.
PyRef new_tls_records_type(const Attached& py, PyObject* module) noexcept;
/// `_erlang.TLSWriter`, a base of our _SSLProtocolTransport.
PyRef new_tls_writer_type(const Attached& py, PyObject* module) noexcept;

}  // namespace ep::net
