#include "net/stream_transport.h"

#include "cpython/slot.h"

namespace ep::net {

StreamTransport::StreamTransport(const Attached& py, PyObject* self, NetTypes& types,
                                 TransportParts parts)
    : Transport(py, self, types, std::move(parts)) {}

void StreamTransport::open(const Attached& py, const TransportParts& parts) {
  Transport::open(py, parts);
  io::set_no_delay(socket().number(), extra().family());
}

void StreamTransport::set_protocol(const Attached& py, PyObject* protocol) {
  const int buffered = PyObject_IsInstance(protocol, types().buffered_protocol.get());
  if (buffered < 0) throw PythonError();
  Transport::set_protocol(py, protocol);
  buffered_ = buffered != 0;
  data_received_.reset();
  buffer_updated_.reset();
}

void StreamTransport::clear(const Attached& py) noexcept {
  Transport::clear(py);
  holding_ = false;
  queue_.clear();
  data_received_.reset();
  buffer_updated_.reset();
  empty_waiter_.reset();
}

int StreamTransport::traverse(visitproc visit, void* arg) const {
  Py_VISIT(data_received_.get());
  Py_VISIT(buffer_updated_.get());
  Py_VISIT(empty_waiter_.get());
  return Transport::traverse(visit, arg);
}

}  // namespace ep::net
