#include "net/socket_io.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ep::net {
namespace {

IoResult result_of(ssize_t count) noexcept {
  if (count < 0) return {0, errno};
  return {static_cast<std::size_t>(count), 0};
}

}  // namespace

// The two hottest calls go past libc's functions, which in programs with threads make each call a
// cancellation point: two atomic operations that nobody here has a use for.

IoResult receive(int fd, void* data, std::size_t size) noexcept {
#ifdef SYS_recvfrom
  return result_of(::syscall(SYS_recvfrom, fd, data, size, 0, nullptr, nullptr));
#else
  return result_of(::recv(fd, data, size, 0));
#endif
}

IoResult send(int fd, const void* data, std::size_t size) noexcept {
#ifdef SYS_sendto
  return result_of(::syscall(SYS_sendto, fd, data, size, MSG_NOSIGNAL, nullptr, 0));
#else
  return result_of(::send(fd, data, size, MSG_NOSIGNAL));
#endif
}

IoResult send(int fd, std::span<iovec> parts) noexcept {
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  return result_of(::sendmsg(fd, &message, MSG_NOSIGNAL));
}

IoResult receive_from(int fd, void* data, std::size_t size, SocketAddress& from) noexcept {
  from.length = SocketAddress::capacity();
  return result_of(::recvfrom(fd, data, size, 0, from.data(), &from.length));
}

IoResult send_to(int fd, const void* data, std::size_t size, const SocketAddress* to) noexcept {
  if (to == nullptr) return send(fd, data, size);
  return result_of(::sendto(fd, data, size, MSG_NOSIGNAL, to->data(), to->length));
}

Accepted accept(int listener) noexcept {
  Accepted accepted;
  accepted.peer.length = SocketAddress::capacity();
  accepted.fd.reset(::accept4(listener, accepted.peer.data(), &accepted.peer.length,
                              SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!accepted.fd) accepted.error = errno;
  return accepted;
}

void set_no_delay(int fd, int family) noexcept {
  if (family != AF_INET && family != AF_INET6) return;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // fails if it is not TCP
}

}  // namespace ep::net
