// StreamTransport: `_erlang._ErlangSocketTransport`, an asyncio.Transport over a connected TCP or
// Unix socket. See transport.h for what it shares with other transports.
//
// What is read becomes the bytes object that data_received() gets, or goes straight into the memory
// of a BufferedProtocol. A write is tried at once; what does not go is queued by reference, and
// sent gathered when the socket takes more.
//
// Who writes in pieces, a head and then a body say, is found out: its writes are held until the
// callback that they come from has ended, and then sent by one system call. While many callbacks
// follow each other in microseconds, all writes are held until the last of them, for 100 µs at
// most.
#pragma once

#include <span>

#include "io/socket_io.h"
#include "io/write_queue.h"
#include "net/transport.h"

namespace ep::net {

class StreamTransport final : public Transport {
 public:
  StreamTransport(const Attached& py, PyObject* self, NetTypes& types, TransportParts parts);

  void open(const Attached& py, const TransportParts& parts);

  void set_protocol(const Attached& py, PyObject* protocol) override;
  std::size_t write_buffer_size() const noexcept override { return queue_.size(); }
  int traverse(visitproc visit, void* arg) const override;
  void clear(const Attached& py) noexcept override;
  bool send_held(const Attached& py) override;

  // As the methods of asyncio.WriteTransport. False: Python error set.
  bool write(const Attached& py, PyObject* data);
  bool write_lines(const Attached& py, PyObject* lines);
  bool write_eof(const Attached& py);

  // For loop.sendfile(): a future that is done when nothing is queued; meanwhile, write() raises.
  // Null: Python error set.
  PyRef make_empty_waiter(const Attached& py);
  /// In the place of the empty waiter, which is done: a future that fails when the transport ends.
  PyRef make_end_waiter(const Attached& py);
  void reset_empty_waiter() noexcept { empty_waiter_.reset(); }

 private:
  /// Memory to be sent.
  struct Bytes {
    const char* data;
    std::size_t size;
    PyRef owner;  // null: it is only lent to us, and may change
  };

  bool read_ready(const Attached& py) override;
  bool write_ready(const Attached& py) override;
  void drop_buffer() noexcept override { queue_.clear(); }
  bool ended(const Attached& py) override;

  // Reading.
  bool read_bytes(const Attached& py);
  bool read_large(const Attached& py);
  bool deliver(const Attached& py, PyRef data);
  bool find_buffer_methods(const Attached& py);
  bool read_into_buffer(const Attached& py);
  bool read_tls(const Attached& py);
  bool read_failed(const Attached& py, int error);
  bool on_eof(const Attached& py);

  // Writing.
  bool may_write(const Attached& py, bool lines);
  bool send_or_hold(const Attached& py, std::span<Bytes> chunks);
  bool hold(const Attached& py, std::span<Bytes> chunks);
  bool send_now(const Attached& py, std::span<Bytes> chunks);
  bool queue_rest(const Attached& py);
  void enqueue(const Attached& py, std::span<Bytes> chunks, std::size_t sent);
  int flush() noexcept;
  bool on_flushed(const Attached& py);
  bool settle_empty_waiter(const Attached& py, PyObject* method, PyObject* value);

  io::WriteQueue<PyRef> queue_;
  PyRef data_received_;  // the protocol's method, or its get_buffer(); null: to be looked up
  PyRef buffer_updated_;
  PyRef empty_waiter_;
  Step<&Transport::send_held> send_held_{*this};
  std::uint64_t last_write_turn_ = 0;
  int held_turns_left_ = 0;    // unless there is a second write in one of them
  bool holding_ = false;       // the queue waits for the end of the turn
  std::size_t last_read_ = 0;  // how much that was
  bool buffered_ = false;      // the protocol is a BufferedProtocol
  bool plain_stream_ = false;  // the protocol is asyncio's for streams; see stream_feed.h
  bool tls_ = false;           // the protocol is ours for TLS; see tls_records.h
  bool write_eof_ = false;
};

}  // namespace ep::net
