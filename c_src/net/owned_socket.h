// OwnedSocket: the socket of a transport. Either a Python socket, or a plain descriptor that
// becomes one when somebody asks for it: most connections that a server accepts never do.
//
// A Python socket may be closed by others behind our back, and its number be reused by another
// file; descriptor() therefore asks it each time. Attached threads.
#pragma once

#include "base/unique_fd.h"
#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep::net {

struct NetTypes;

class OwnedSocket {
 public:
  OwnedSocket() = default;
  explicit OwnedSocket(UniqueFd fd) noexcept : number_(fd.get()), fd_(std::move(fd)) {}
  /// Throws PythonError if it has no fileno().
  OwnedSocket(const Attached& py, const NetTypes& types, PyRef socket);

  bool is_open() const noexcept { return fd_ || (socket_ && !closed_); }
  /// As it was at first.
  int number() const noexcept { return number_; }
  /// -1: it has been closed. Leaves no error set.
  int descriptor(const Attached& py, const NetTypes& types) const noexcept {
    return socket_ ? ask_descriptor(py, types) : fd_.get();
  }

  /// The Python socket, also when it is closed. Null: Python error set, or it is closed and there
  /// never was one.
  PyRef object(const Attached& py, const NetTypes& types);

  /// Closes it, whatever others do with the Python socket. Idempotent. Leaves the error indicator
  /// as it is.
  void close(const Attached& py, const NetTypes& types) noexcept;
  /// After close(): drops what is part of reference cycles.
  void clear() noexcept { socket_.reset(); }

  int traverse(visitproc visit, void* arg) const;

 private:
  int ask_descriptor(const Attached& py, const NetTypes& types) const noexcept;

  int number_ = -1;
  bool peek_ = false;    // descriptor_of_socket() is right for socket_
  bool closed_ = false;  // socket_ is, by close()
  UniqueFd fd_;          // if there is no Python socket
  PyRef socket_;
};

}  // namespace ep::net
