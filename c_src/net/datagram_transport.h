// DatagramTransport: `_erlang._ErlangDatagramTransport`, an asyncio.DatagramTransport over a UDP or
// Unix socket. See transport.h for what it shares with other transports.
//
// A turn reads a bounded number of datagrams. One that can't be sent at once is queued. What the
// socket reports goes to error_received(), and ends nothing.
#pragma once

#include <deque>

#include "io/socket_io.h"
#include "net/transport.h"

namespace ep::net {

class DatagramTransport final : public Transport {
 public:
  /// `remote`: the one address that may be sent to; or None.
  DatagramTransport(const OnLoop& py, PyObject* self, NetTypes& types, TransportParts parts,
                    PyObject* remote);

  void open(const OnLoop& py, const TransportParts& parts);
  std::size_t unsent() const noexcept override { return queued_bytes_; }
  int traverse(visitproc visit, void* arg) const override;
  void clear(const OnLoop& py) noexcept override;

  /// `to` may be None. False: Python error set. Throws std::bad_alloc.
  bool send_to(const OnLoop& py, PyObject* data, PyObject* to);

  PyObject* remote() const noexcept { return remote_.get(); }

 private:
  struct Datagram {
    PyRef data;  // bytes
    PyRef to;    // or None
  };
  enum class Sent { kYes, kNotNow, kFailed };  // failed: Python error set

  bool read_ready(const OnLoop& py) override;
  bool write_ready(const OnLoop& py) override;
  bool wants_write() const noexcept override { return !queue_.empty(); }
  bool drop_buffer(const OnLoop& py) override;

  PyRef address_object(const OnLoop& py, const io::SocketAddress& from);
  bool deliver(const OnLoop& py, const PyRef& data, const io::SocketAddress& from);
  bool tell_error(const OnLoop& py);
  bool call_error_received(const OnLoop& py);

  bool check_remote(PyObject* to);
  Sent send_one(const OnLoop& py, PyObject* data, PyObject* to);
  Sent send_natively(const OnLoop& py, PyObject* data, const io::SocketAddress* to);
  Sent send_by_socket_object(const OnLoop& py, PyObject* data, PyObject* to);
  bool send_failed(const OnLoop& py);
  bool flush(const OnLoop& py);

  PyRef remote_;
  PyRef last_from_object_;  // a peer that sends is likely to send again, and to be answered
  io::SocketAddress last_from_;
  std::deque<Datagram> queue_;
  std::size_t queued_bytes_ = 0;
  bool connected_ = false;
};

}  // namespace ep::net
