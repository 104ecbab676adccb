// System calls on non-blocking sockets, with their outcome as a value.
#pragma once

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <span>

#include "base/unique_fd.h"
#include "io/address.h"

namespace ep::io {

struct Result {
  std::size_t bytes = 0;
  int error = 0;  // errno

  bool ok() const noexcept { return error == 0; }
  /// Nothing is wrong; the socket is not ready, or a signal came.
  bool not_now() const noexcept {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
  }
};

/// 0 bytes, and no error: the peer has closed its side.
Result receive(int fd, void* data, std::size_t size) noexcept;
Result send(int fd, const void* data, std::size_t size) noexcept;
Result send(int fd, std::span<iovec> parts) noexcept;

Result receive_from(int fd, void* data, std::size_t size, SocketAddress& from) noexcept;
/// To the connected peer if `to` is null.
Result send_to(int fd, const void* data, std::size_t size, const SocketAddress* to) noexcept;

/// A connection of a listening socket; not blocking, and closed on exec.
struct Accepted {
  UniqueFd fd;  // invalid: see `error`
  SocketAddress peer;
  int error = 0;

  /// Nobody is waiting, or no longer.
  bool nobody() const noexcept {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == ECONNABORTED;
  }
  /// The system is short of something; the connection keeps waiting.
  bool no_resources() const noexcept {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
  }
};
Accepted accept(int listener) noexcept;

/// Small writes are sent without waiting for the acknowledgement of earlier ones. Does nothing
/// where that is meaningless.
void set_no_delay(int fd, int family) noexcept;

}  // namespace ep::io
