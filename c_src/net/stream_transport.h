// StreamTransport: `_erlang._ErlangSocketTransport`, an asyncio.Transport over a connected TCP or
// Unix socket. See transport.h for what it shares with other transports.
//
// What is read becomes the bytes object that data_received() gets, or goes straight into the memory
// of a BufferedProtocol. A write is tried at once; what does not go is queued by reference, and
// sent gathered when the socket takes more.
//
// Writes may be held until the callback that they come from has ended, or, while many callbacks
// follow each other in microseconds, until the last of them, for 100 µs at most; see
// write_holder.h.
#pragma once

#include <span>

#include "io/write_holder.h"
#include "net/receiver.h"
#include "net/transport.h"

namespace ep::net {

class StreamTransport final : public Transport {
 public:
  StreamTransport(const OnLoop& py, PyObject* self, NetTypes& types, TransportParts parts);

  void open(const OnLoop& py, const TransportParts& parts);

  void set_protocol(const OnLoop& py, PyObject* protocol) override;
  std::size_t unsent() const noexcept override { return writes_.size(); }
  std::optional<std::size_t> write_buffer_size(const OnLoop& py) override;
  int traverse(visitproc visit, void* arg) const override;
  void clear(const OnLoop& py) noexcept override;

  // As the methods of asyncio.WriteTransport. False: Python error set.
  bool write(const OnLoop& py, PyObject* data);
  bool write_lines(const OnLoop& py, PyObject* lines);
  bool write_eof(const OnLoop& py);

  // For loop.sendfile(): a future that is done when nothing is queued; meanwhile, write() raises.
  // Null: Python error set.
  PyRef make_empty_waiter(const OnLoop& py);
  /// In the place of the empty waiter, which is done: a future that fails when the transport ends.
  PyRef make_end_waiter(const OnLoop& py);
  void reset_empty_waiter() noexcept { empty_waiter_.reset(); }
  PyObject* empty_waiter() const noexcept { return empty_waiter_.get(); }
  bool eof_written() const noexcept { return write_eof_; }

 private:
  using Bytes = io::Chunk<PyRef>;
  using Writes = io::WriteHolder<PyRef>;

  bool read_ready(const OnLoop& py) override;
  bool write_ready(const OnLoop& py) override;
  bool wants_write() const noexcept override {
    return writes_.waiting_for() == Writes::Waiting::kSocket;
  }
  bool drop_buffer(const OnLoop& py) override;
  bool ended(const OnLoop& py) override;

  // Reading.
  bool read_bytes(const OnLoop& py);
  bool read_large(const OnLoop& py);
  bool deliver(const OnLoop& py, PyRef data);
  bool read_into_buffer(const OnLoop& py);
  bool read_tls(const OnLoop& py);
  bool read_failed(const OnLoop& py, int error);
  bool on_eof(const OnLoop& py);

  // Writing.
  bool may_write(const OnLoop& py, bool lines);
  bool send_or_hold(const OnLoop& py, std::span<Bytes> chunks);
  bool hold(const OnLoop& py, std::span<Bytes> chunks);
  bool send_now(const OnLoop& py, std::span<Bytes> chunks);
  void enqueue(const OnLoop& py, std::span<Bytes> chunks, std::size_t sent);
  bool send_held(const OnLoop& py);
  int send_queue(const OnLoop& py) noexcept;
  bool wait_for_socket(const OnLoop& py);
  bool on_sent(const OnLoop& py);
  bool settle_empty_waiter(const OnLoop& py, PyObject* method, PyObject* value);

  Writes writes_;
  Step<StreamTransport, &StreamTransport::send_held> turn_ended_{*this};
  PyRef empty_waiter_;
  std::size_t last_read_ = 0;  // how much that was
  Receiver receiver_ = Receiver::kBytes;
  bool write_eof_ = false;
};

}  // namespace ep::net
