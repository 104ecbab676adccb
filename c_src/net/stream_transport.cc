#include "net/stream_transport.h"

#include "cpython/slot.h"

namespace ep::net {

StreamTransport::StreamTransport(const OnLoop& py, PyObject* self, NetTypes& types,
                                 TransportParts parts)
    : Transport(py, self, types, std::move(parts)) {}

void StreamTransport::open(const OnLoop& py, const TransportParts& parts) {
  Transport::open(py, parts);
  io::set_no_delay(socket().number(), extra().family());
}

void StreamTransport::set_protocol(const OnLoop& py, PyObject* protocol) {
  receiver_ = choose_receiver(py, types(), protocol);
  Transport::set_protocol(py, protocol);
}

void StreamTransport::clear(const OnLoop& py) noexcept {
  Transport::clear(py);
  writes_.drop();
  empty_waiter_.reset();
}

int StreamTransport::traverse(visitproc visit, void* arg) const {
  Py_VISIT(empty_waiter_.get());
  return Transport::traverse(visit, arg);
}

}  // namespace ep::net
