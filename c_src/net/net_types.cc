#include "net/net_types.h"

#include "cpython/slot.h"
#include "net/acceptor_type.h"
#include "net/datagram_transport_type.h"
#include "net/owned_socket.h"
#include "net/stream_transport_type.h"
#include "net/transport_table_type.h"

namespace ep::net {
namespace {

PyRef or_throw(PyRef result) {
  if (!result) throw PythonError();
  return result;
}

PyRef import(const char* module) { return or_throw(PyRef::steal(PyImport_ImportModule(module))); }

PyRef attribute(const PyRef& object, const char* name) {
  return or_throw(PyRef::steal(PyObject_GetAttrString(object.get(), name)));
}

void intern_names(NetNames& names) {
  const auto intern = [](PyRef& name, const char* text) {
    name = or_throw(PyRef::steal(PyUnicode_InternFromString(text)));
  };
  intern(names.attach, "_attach");
  intern(names.detach, "_detach");
  intern(names.buffer_updated, "buffer_updated");
  intern(names.connection_lost, "connection_lost");
  intern(names.connection_made, "connection_made");
  intern(names.data_received, "data_received");
  intern(names.datagram_received, "datagram_received");
  intern(names.eof_received, "eof_received");
  intern(names.error_received, "error_received");
  intern(names.get_buffer, "get_buffer");
  intern(names.pause_writing, "pause_writing");
  intern(names.resume_writing, "resume_writing");
  intern(names.call_exception_handler, "call_exception_handler");
  intern(names.call_later, "call_later");
  intern(names.create_future, "create_future");
  intern(names.transports, "_transports");
  intern(names.close, "close");
  intern(names.fileno, "fileno");
  intern(names.setblocking, "setblocking");
  intern(names.peername, "peername");
  intern(names.sockname, "sockname");
  intern(names.socket, "socket");
  intern(names.done, "done");
  intern(names.set_exception, "set_exception");
  intern(names.set_result, "set_result");
}

/// Of a function of Python code, `self` included.
bool takes_arguments(const PyRef& function, long count) {
  const PyRef actual = attribute(attribute(function, "__code__"), "co_argcount");
  return PyLong_AsLong(actual.get()) >= count;
}

void import_parts(NetTypes& types) {
  types.buffered_protocol = attribute(import("asyncio.protocols"), "BufferedProtocol");
  types.transport_socket = attribute(import("asyncio.trsock"), "TransportSocket");
  types.socket_class = attribute(import("socket"), "socket");
  types.wake_waiter = attribute(import("asyncio.futures"), "_set_result_unless_cancelled");
  types.log = attribute(import("asyncio.log"), "logger");
  const PyRef modes = attribute(import("asyncio.constants"), "_SendfileMode");
  types.try_native = attribute(modes, "TRY_NATIVE");
  const PyRef server = attribute(import("asyncio.base_events"), "Server");
  types.servers_know_transports = takes_arguments(attribute(server, "_attach"), 2);
}

void publish(PyObject* module, const PyRef& type) {
  if (PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type.get())) != 0) {
    throw PythonError();
  }
}

void add_types(const Attached& py, PyObject* module, NetTypes& types) {
  const PyRef transports = import("asyncio.transports");
  types.transport_table = or_throw(new_transport_table_type(py, module));
  const PyRef flow_control = attribute(transports, "_FlowControlMixin");
  const PyRef datagram_transport = attribute(transports, "DatagramTransport");
  const PyRef stream_bases = or_throw(PyRef::steal(PyTuple_Pack(1, flow_control.get())));
  const PyRef datagram_bases =
      or_throw(PyRef::steal(PyTuple_Pack(2, flow_control.get(), datagram_transport.get())));
  types.stream_transport = or_throw(new_stream_transport_type(py, module, stream_bases.get()));
  types.datagram_transport =
      or_throw(new_datagram_transport_type(py, module, datagram_bases.get()));
  types.acceptor = or_throw(new_acceptor_type(py, module));
  types.tls_records = or_throw(new_tls_records_type(py, module));
  types.tls_writer = or_throw(new_tls_writer_type(py, module));
  publish(module, types.transport_table);
  publish(module, types.stream_transport);
  publish(module, types.datagram_transport);
  publish(module, types.acceptor);
  publish(module, types.tls_records);
  publish(module, types.tls_writer);
}

}  // namespace

bool load_transports(const Attached& py, PyObject* module, NetTypes& types) {
  if (types.acceptor) return true;
  return slot([&](const Attached& attached) -> int {
           intern_names(types.names);
           import_parts(types);
           types.streams = StreamParts::import(attached);
           types.tls = TlsParts::import(attached);
           types.socket_layout_known = probe_socket_layout(attached, types);
           add_types(py, module, types);
           return 0;
         }) == 0;
}

int NetTypes::traverse(visitproc visit, void* arg) const {
  for (const PyRef* part : {&stream_transport, &datagram_transport, &acceptor, &transport_table,
                            &tls_records, &tls_writer, &buffered_protocol, &transport_socket,
                            &socket_class, &wake_waiter, &log, &try_native}) {
    Py_VISIT(part->get());
  }
  if (const int stop = streams.traverse(visit, arg)) return stop;
  return tls.traverse(visit, arg);
}

void NetTypes::clear() noexcept {
  for (PyRef* part : {&stream_transport, &datagram_transport, &acceptor, &transport_table,
                      &tls_records, &tls_writer, &buffered_protocol, &transport_socket,
                      &socket_class, &wake_waiter, &log, &try_native}) {
    part->reset();
  }
  streams = {};
  tls = {};
}

}  // namespace ep::net
