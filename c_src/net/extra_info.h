// ExtraInfo: what get_extra_info() of a transport knows: the dict that it was made with, the
// addresses of its socket, and the socket itself. Objects are made when they are asked for.
//
// Addresses are read when the transport is made, and survive its socket. Attached threads.
#pragma once

#include "cpython/attach.h"
#include "cpython/ref.h"
#include "io/address.h"
#include "net/net_types.h"
#include "net/owned_socket.h"

namespace ep::net {

class ExtraInfo {
 public:
  /// `given` is a dict, or None or null; `peer`, if not null, is known already. Throws PythonError.
  void init(const Attached& py, int fd, PyObject* given, const io::SocketAddress* peer);

  int family() const noexcept { return sockname_.get().family(); }
  /// Is the socket connected, as far as was known when the transport was made?
  bool has_peer(const Attached& py, const NetTypes& types) noexcept;

  /// Null without an error: nobody knows. May throw PythonError.
  PyRef get(const Attached& py, const NetTypes& types, OwnedSocket& socket, PyObject* name);
  /// Everything; a change to this dict changes what get() returns. Throws PythonError.
  PyObject* all(const Attached& py, const NetTypes& types, OwnedSocket& socket);

  int traverse(visitproc visit, void* arg) const;
  void clear() noexcept { dict_.reset(); }

 private:
  PyObject* dict(const Attached& py);
  void set(const Attached& py, PyObject* name, const PyRef& value);
  PyRef make(const Attached& py, const NetTypes& types, OwnedSocket& socket, PyObject* name);
  PyRef make_socket(const Attached& py, const NetTypes& types, OwnedSocket& socket);

  PyRef dict_;  // null while there is nothing in it
  io::InetAddress sockname_;
  io::InetAddress peername_;
};

}  // namespace ep::net
