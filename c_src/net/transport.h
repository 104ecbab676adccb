// Transport: what stream and datagram transports have in common: their socket, protocol and server,
// flow control, and the order in which they begin and end.
//
// It lives inside a Python object, a subclass of asyncio.Transport or asyncio.DatagramTransport.
// From construction until connection_lost() has been called the loop's TransportTable keeps it
// alive. It refers to its loop until it dies.
//
// All of the protocol's methods are called in the loop's run phase, in the context in which the
// transport was made, but pause_writing(), which is called from write(). A function that may call
// user code returns false if an exception is set that nothing may stop (SystemExit,
// KeyboardInterrupt); all others go where asyncio sends them.
//
// Threads: the loop's, as asyncio demands; what asks without an OnLoop, attached.
#pragma once

#include <new>
#include <optional>

#include "cpython/attach.h"
#include "cpython/ref.h"
#include "io/flow_control.h"
#include "io/phase.h"
#include "io/reading_state.h"
#include "loop/event_loop.h"
#include "net/extra_info.h"
#include "net/net_types.h"
#include "net/owned_socket.h"

namespace ep::net {

using loop::OnLoop;

/// What a transport is made from. All borrowed but the socket.
struct TransportParts {
  PyObject* loop;  // one of ours
  OwnedSocket socket;
  PyObject* protocol;
  PyObject* waiter;               // a future, or None or null
  PyObject* extra;                // a dict, or None or null
  const io::SocketAddress* peer;  // null: not known
  PyObject* server;               // or None or null
};

class Transport : public loop::IoCallback, public loop::NativeCallback {
 public:
  /// Throws PythonError. It does nothing before open().
  Transport(const OnLoop& py, PyObject* self, NetTypes& types, TransportParts parts);
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport();

  /// Starts it: the protocol is going to be told. Throws PythonError; the socket is closed then.
  void open(const OnLoop& py, const TransportParts& parts);

  PyObject* owner() const noexcept override { return self_; }
  NetTypes& types() const noexcept { return types_; }

  bool is_closing() const noexcept { return life_.is_closing(); }
  /// connection_lost() is going to be called, or was.
  bool is_lost() const noexcept { return life_.is_lost(); }
  bool is_open() const noexcept { return socket_.is_open(); }
  bool is_paused() const noexcept { return reading_.is_paused(); }
  bool is_reading() const noexcept { return !is_paused() && !is_closing(); }
  PyObject* protocol() const noexcept { return protocol_.get(); }  // null: it is over
  /// Null: it is over.
  PyObject* loop_object() const noexcept { return life_.is_over() ? nullptr : loop_.get(); }
  /// Is there for as long as the transport, for who calls its methods after its end.
  loop::EventLoop& loop() const noexcept { return *loop::EventLoop::of(loop_.get()); }
  PyObject* server() const noexcept { return server_.get(); }
  OwnedSocket& socket() noexcept { return socket_; }
  ExtraInfo& extra() noexcept { return extra_; }
  io::FlowControl& flow() noexcept { return flow_; }
  /// As asyncio's attribute: whether the connection is lost, and what was written to it since.
  int conn_lost() const noexcept { return is_lost() + lost_writes_.count(); }

  virtual void set_protocol(const OnLoop& py, PyObject* protocol);
  /// Bytes that are to be sent, those included that only wait for the end of a turn.
  virtual std::size_t unsent() const noexcept = 0;
  /// Bytes that the socket does not take yet: whatever else is to be sent is sent first, which may
  /// end the connection. Nothing: Python error set.
  virtual std::optional<std::size_t> write_buffer_size(const OnLoop&) { return unsent(); }

  /// Throws PythonError, also for arguments that asyncio does not accept.
  void set_write_buffer_limits(const OnLoop& py, PyObject* high, PyObject* low);

  // False: Python error set.
  bool close(const OnLoop& py);
  bool abort(const OnLoop& py) { return force_close(py, Py_None); }
  bool force_close(const OnLoop& py, PyObject* exception);
  bool pause_reading(const OnLoop& py);
  bool resume_reading(const OnLoop& py);

  /// The finalizer's: nobody has closed it. May set an error (warnings can be exceptions).
  void close_unreferenced(const OnLoop& py);

  virtual int traverse(visitproc visit, void* arg) const;
  /// Ends everything without a word to the protocol.
  virtual void clear(const OnLoop& py) noexcept;

  void on_ready(const OnLoop& py, io::Events ready) noexcept final;
  bool run(const OnLoop& py) noexcept final;

 protected:
  /// One of the things to do in the run phase, in their own places in the loop's queue.
  template <class Core, bool (Core::*method)(const OnLoop&)>
  class Step final : public loop::NativeCallback {
   public:
    explicit Step(Core& transport) noexcept : transport_(transport) {}
    bool run(const OnLoop& py) noexcept override { return (transport_.*method)(py); }
    PyObject* owner() const noexcept override { return transport_.owner(); }

   private:
    Core& transport_;
  };

  // In the run phase, and only as long as connection_lost() has not been called for.
  virtual bool read_ready(const OnLoop& py) = 0;
  virtual bool write_ready(const OnLoop& py) = 0;
  /// Does anything wait for the socket to take more?
  virtual bool wants_write() const noexcept = 0;
  /// What the socket does not take yet is not going to be sent. False: Python error set.
  virtual bool drop_buffer(const OnLoop& py) = 0;
  /// After connection_lost().
  virtual bool ended(const OnLoop&) { return true; }

  int descriptor(const OnLoop& py) const noexcept { return socket_.descriptor(py, types_); }
  bool debug() const noexcept { return loop_object() != nullptr && loop().debug(); }

  bool wants_read() const noexcept { return life_.is_open() && reading_.wants_more(); }
  /// Has the poller report what is wanted. False: Python error set.
  bool watch(const OnLoop& py);
  bool stop_reading_at_eof(const OnLoop& py);

  /// Tells the protocol to pause, or to resume, if the size of the buffer says so.
  bool maybe_pause_protocol(const OnLoop& py);
  bool maybe_resume_protocol(const OnLoop& py);

  /// Calls it with whatever exception is set, and ends the transport.
  bool fatal_error(const OnLoop& py, const char* message);
  /// The same with errno's.
  bool fatal_os_error(const OnLoop& py, int error, const char* message);
  bool lose_connection(const OnLoop& py);
  /// Counts, and warns about, writes to what is lost.
  bool count_lost_write(const OnLoop& py);

  /// Reports the error that is set to the loop's exception handler.
  bool report(const OnLoop& py, const char* message);
  bool log_debug(const OnLoop& py, const char* format);

 private:
  bool act(const OnLoop& py);
  bool report_slowness(const OnLoop& py, const PyRef& loop, Nanos duration);
  bool start(const OnLoop& py);
  bool begin(const OnLoop& py);
  bool lost(const OnLoop& py);
  bool queue_lost(const OnLoop& py, PyObject* exception);
  void attach_to_server(const OnLoop& py, PyObject* server);
  bool detach_from_server(const OnLoop& py);
  bool call_protocol_method(const OnLoop& py, PyObject* name, const char* failure);
  void forget(const OnLoop& py) noexcept;

  PyObject* const self_;
  NetTypes& types_;
  const PyRef loop_;
  PyRef table_;
  PyRef protocol_;
  PyRef server_;
  PyRef context_;
  PyRef connection_made_;  // the protocol's method, until start(); as is
  PyRef waiter_;
  PyRef exception_;  // for connection_lost()
  Step<Transport, &Transport::start> start_{*this};
  Step<Transport, &Transport::lost> lost_{*this};
  OwnedSocket socket_;
  ExtraInfo extra_;
  io::FlowControl flow_;
  io::Lifetime life_;
  io::LostWrites lost_writes_;
  io::ReadingState reading_;
  io::Events pending_ = io::kNothing;  // reported and not yet acted on
};

/// The Python object. After the head come the slots of asyncio.transports._FlowControlMixin, which
/// sendfile()'s fallback wants as a base; they are not used.
struct TransportObject {
  // clang-format off
  PyObject_HEAD
  PyObject* asyncio_slots[5];
  // clang-format on
  PyObject* weakrefs;
  PyObject* dict;
  bool constructed;
  alignas(Transport) char core[1];  // of a subclass of Transport

  static TransportObject* of(PyObject* self) noexcept {
    return reinterpret_cast<TransportObject*>(self);
  }
};

/// `self` is of one of the types of transports.
inline Transport& transport_of(PyObject* self) noexcept {
  return *std::launder(reinterpret_cast<Transport*>(TransportObject::of(self)->core));
}

}  // namespace ep::net
