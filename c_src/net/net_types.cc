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

void probe_sockets(const Attached& py, PyObject* module, const NetTypes& types) {
  Internals& internals = py.interpreter().internals;
  internals.probe_socket(py, types.socket_class.get());
  const PyRef told = attribute(module, "INTERNALS");
  PyObject* const found = internals.socket_descriptor ? Py_True : Py_False;
  if (PyDict_SetItemString(told.get(), "socket_descriptor", found) != 0) throw PythonError();
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
    import_parts(types);
    add_types(py, module, types);
    probe_sockets(py, module, types);
    types.streams.emplace(py);
    types.tls.emplace(py, types.tls_records.get(), types.tls_writer.get());
  });
}

int NetTypes::traverse(visitproc visit, void* arg) const {
  for (const PyRef* part : {&stream_transport, &datagram_transport, &acceptor, &transport_table,
                            &tls_records, &tls_writer, &buffered_protocol, &transport_socket,
                            &socket_class, &wake_waiter, &log, &try_native}) {
    Py_VISIT(part->get());
  }
  if (streams) {
    if (const int stop = streams->traverse(visit, arg)) return stop;
  }
  return tls ? tls->traverse(visit, arg) : 0;
}

}  // namespace ep::net
