#include "net/net_types.h"

#include "cpython/or_throw.h"
#include "cpython/slot.h"
#include "net/acceptor_type.h"
#include "net/datagram_transport_type.h"
#include "net/owned_socket.h"
#include "net/stream_transport_type.h"
#include "net/transport_table_type.h"

namespace ep::net {
namespace {

void intern_names(NetNames& names) {
  names.attach = interned("_attach");
  names.detach = interned("_detach");
  names.buffer_updated = interned("buffer_updated");
  names.connection_lost = interned("connection_lost");
  names.connection_made = interned("connection_made");
  names.data_received = interned("data_received");
  names.datagram_received = interned("datagram_received");
  names.eof_received = interned("eof_received");
  names.error_received = interned("error_received");
  names.get_buffer = interned("get_buffer");
  names.pause_writing = interned("pause_writing");
  names.resume_writing = interned("resume_writing");
  names.call_exception_handler = interned("call_exception_handler");
  names.call_later = interned("call_later");
  names.create_future = interned("create_future");
  names.transports = interned("_transports");
  names.close = interned("close");
  names.fileno = interned("fileno");
  names.setblocking = interned("setblocking");
  names.peername = interned("peername");
  names.sockname = interned("sockname");
  names.socket = interned("socket");
  names.done = interned("done");
  names.set_exception = interned("set_exception");
  names.set_result = interned("set_result");
}

/// Of a function of Python code, `self` included.
bool takes_arguments(const PyRef& function, long count) {
  const PyRef actual = attribute(attribute(function, "__code__"), "co_argcount");
  return PyLong_AsLong(actual.get()) >= count;
}

void import_parts(NetTypes& types) {
  types.buffered_protocol = attribute(import_module("asyncio.protocols"), "BufferedProtocol");
  types.transport_socket = attribute(import_module("asyncio.trsock"), "TransportSocket");
  types.socket_class = attribute(import_module("socket"), "socket");
  types.wake_waiter = attribute(import_module("asyncio.futures"), "_set_result_unless_cancelled");
  types.log = attribute(import_module("asyncio.log"), "logger");
  const PyRef modes = attribute(import_module("asyncio.constants"), "_SendfileMode");
  types.try_native = attribute(modes, "TRY_NATIVE");
  const PyRef server = attribute(import_module("asyncio.base_events"), "Server");
  types.servers_know_transports = takes_arguments(attribute(server, "_attach"), 2);
}

void add_types(const Attached& py, PyObject* module, NetTypes& types) {
  const PyRef transports = import_module("asyncio.transports");
  types.transport_table = or_throw(new_transport_table_type(py, module));
  const PyRef flow_control = attribute(transports, "_FlowControlMixin");
  const PyRef datagram_transport = attribute(transports, "DatagramTransport");
  const PyRef stream_bases = or_throw(PyTuple_Pack(1, flow_control.get()));
  const PyRef datagram_bases =
      or_throw(PyTuple_Pack(2, flow_control.get(), datagram_transport.get()));
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
  return translate_errors(py, [&] {
    intern_names(types.names);
    import_parts(types);
    types.streams = StreamParts::import(py);
    types.tls = TlsParts::import(py);
    types.socket_layout_known = probe_socket_layout(py, types);
    add_types(py, module, types);
  });
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

}  // namespace ep::net
