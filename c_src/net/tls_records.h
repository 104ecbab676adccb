// TlsRecords: the way of a TLS record between a transport and the user's protocol, in C++.
//
// asyncio.sslproto.SSLProtocol does TLS with the objects of the ssl module. What it does for each
// record, some ten Python functions, takes longer than the cryptography. Our protocol derives from
// it and from this, and does here what concerns data while nothing waits, nothing is paused and no
// shutdown has begun. All else, handshake, shutdown and flow control, is asyncio's own code, and so
// is everything where a program, or another version, has other methods than those that this was
// written after (see original_methods.h). The two share the attributes, which are kept where C++
// finds them.
//
// Attached, the loop's thread.
#pragma once

#include <span>

#include "cpython/attach.h"
#include "cpython/name.h"
#include "cpython/original_methods.h"
#include "cpython/ref.h"

namespace ep::net {

struct NetTypes;

/// What this needs of asyncio.sslproto and ssl.
struct TlsParts {
  PyRef wrapped;                                                // SSLProtocolState.WRAPPED
  Imported again_errors{"asyncio.sslproto", "SSLAgainErrors"};  // those that ask for more data
  // What C++ stands in for.
  OriginalMethods protocol;   // of SSLProtocol
  OriginalMethods transport;  // of _SSLProtocolTransport
  OriginalMethods session;    // of SSLObject
  // Attributes and methods.
  Name call_eof_received{"_call_eof_received"};
  Name control_app_writing{"_control_app_writing"};
  Name control_ssl_reading{"_control_ssl_reading"};
  Name data_received{"data_received"};
  Name do_write{"_do_write"};
  Name pending{"pending"};
  Name process_outgoing{"_process_outgoing"};
  Name read{"read"};
  Name ssl_protocol{"_ssl_protocol"};
  Name sslobj{"_sslobj"};
  Name start_shutdown{"_start_shutdown"};
  Name write{"write"};
  Name write_appdata{"_write_appdata"};

  /// Of our types that derive from those two of asyncio. Throws PythonError.
  TlsParts(const Attached& py, PyObject* tls_records, PyObject* tls_writer);
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

/// Is asyncio's code, whose part the following play, as they know it? `protocol`: any object.
/// Leaves no error set.
bool is_plain_tls(const Attached& py, const NetTypes& types, PyObject* protocol) noexcept;

/// SSLProtocol.get_buffer(), while is_plain_tls(): the memory to put what is received. Empty:
/// Python error set.
std::span<char> receive_buffer(const Attached& py, const TlsRecords& tls) noexcept;
/// SSLProtocol.buffer_updated(), while is_plain_tls(): so much has been received. Null: Python
/// error set.
PyRef received(const Attached& py, const NetTypes& types, TlsRecords& tls, std::size_t count);

// The methods, whatever the program has patched. Null: Python error set.

PyRef get_tls_buffer(const Attached& py, const NetTypes& types, TlsRecords& tls, PyObject* hint);
PyRef tls_buffer_updated(const Attached& py, const NetTypes& types, TlsRecords& tls,
                         PyObject* count);
/// _SSLProtocolTransport.write() of the transport that the application writes to.
PyRef write_to_tls(const Attached& py, const NetTypes& types, PyObject* app_transport,
                   PyObject* data);

// The types. Null: Python error set.
/// `_erlang.TLSRecords`, a base of our SSLProtocol.
PyRef new_tls_records_type(const Attached& py, PyObject* module) noexcept;
/// `_erlang.TLSWriter`, a base of our _SSLProtocolTransport.
PyRef new_tls_writer_type(const Attached& py, PyObject* module) noexcept;

}  // namespace ep::net
