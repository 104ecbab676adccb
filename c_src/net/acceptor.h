// Acceptor: accepts the connections of one listening socket, for a server. It makes transports
// itself; for TLS servers, Python code does.
//
// When accepting fails, as a rule because the system is short of descriptors, it reports that,
// leaves the socket alone for a second and tries again, as asyncio does. A failure to make a
// protocol or a transport closes the one connection, and is reported in debug mode.
//
// The loop's thread. The listening socket is its owner's.
#pragma once

#include "cpython/attach.h"
#include "cpython/ref.h"
#include "io/socket_io.h"
#include "loop/event_loop.h"
#include "net/net_types.h"

namespace ep::net {

using loop::OnLoop;

class Acceptor final : public loop::IoCallback, public loop::NativeCallback {
 public:
  struct Parts {
    PyRef loop;  // one of ours
    PyRef socket;
    PyRef protocol_factory;
    PyRef server;         // or None
    PyRef on_connection;  // called with a Python socket and an address instead; or None
    int backlog;
  };

  /// Throws PythonError.
  Acceptor(const OnLoop& py, PyObject* self, NetTypes& types, Parts parts);
  ~Acceptor() { clear(OnLoop::while_dying(Dying(self_), loop())); }

  /// Accepts from now on, until stop(). False: Python error set.
  bool start(const OnLoop& py);
  void stop(const OnLoop& py) noexcept;
  /// After a shortage: goes on, unless it was stopped meanwhile. False: Python error set.
  bool retry(const OnLoop& py) { return !serving_ || start(py); }

  PyObject* owner() const noexcept override { return self_; }
  loop::EventLoop& loop() const noexcept { return *loop::EventLoop::of(loop_.get()); }
  void on_ready(const OnLoop& py, io::Events ready) noexcept override;
  bool run(const OnLoop& py) noexcept override;

  int traverse(visitproc visit, void* arg) const;
  void clear(const OnLoop& py) noexcept;

 private:
  bool accept_batch(const OnLoop& py);
  int listening_descriptor(const OnLoop& py);
  bool back_off(const OnLoop& py, const io::Accepted& failure);
  bool connect(const OnLoop& py, io::Accepted connection);
  void make_transport(const OnLoop& py, io::Accepted connection, PyRef& protocol);
  void log_connection(const OnLoop& py, const io::SocketAddress& peer, const PyRef& transport);
  void hand_over(const OnLoop& py, io::Accepted connection);
  bool connection_failed(const OnLoop& py, const PyRef& protocol);
  bool report(const OnLoop& py, const char* message, PyObject* exception, const char* key,
              PyObject* object);

  PyObject* const self_;
  NetTypes& types_;
  const PyRef loop_;
  Parts parts_;  // without the loop; empty: garbage
  PyRef context_;
  int listener_ = -1;
  bool queued_ = false;
  bool serving_ = false;
};

}  // namespace ep::net
