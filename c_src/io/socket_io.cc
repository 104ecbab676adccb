#include "io/socket_io.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ep::io {
namespace {

// The hottest calls go past libc's functions, which in programs with threads make each call a
// cancellation point: two atomic operations that nobody here has a use for. Some processors have no
// such calls of their own.

ssize_t plain_recvfrom(int fd, void* data, std::size_t size, sockaddr* from,
                       socklen_t* length) noexcept {
#ifdef SYS_recvfrom
  return ::syscall(SYS_recvfrom, fd, data, size, 0, from, length);
#else
  return ::recvfrom(fd, data, size, 0, from, length);
#endif
}

ssize_t plain_sendto(int fd, const void* data, std::size_t size, const sockaddr* to,
                     socklen_t length) noexcept {
#ifdef SYS_sendto
  return ::syscall(SYS_sendto, fd, data, size, MSG_NOSIGNAL, to, length);
#else
  return ::sendto(fd, data, size, MSG_NOSIGNAL, to, length);
#endif
}

Result result_of(ssize_t count) noexcept {
  if (count < 0) return {0, errno};
  return {static_cast<std::size_t>(count), 0};
}

}  // namespace

Result receive(int fd, void* data, std::size_t size) noexcept {
  return result_of(plain_recvfrom(fd, data, size, nullptr, nullptr));
}

Result send(int fd, const void* data, std::size_t size) noexcept {
  return result_of(plain_sendto(fd, data, size, nullptr, 0));
}

Result send(int fd, std::span<iovec> parts) noexcept {
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  return result_of(::sendmsg(fd, &message, MSG_NOSIGNAL));
}

Result receive_from(int fd, void* data, std::size_t size, SocketAddress& from) noexcept {
  from.length = SocketAddress::capacity();
  return result_of(plain_recvfrom(fd, data, size, from.data(), &from.length));
}

Result send_to(int fd, const void* data, std::size_t size, const SocketAddress* to) noexcept {
  if (to == nullptr) return send(fd, data, size);
  return result_of(plain_sendto(fd, data, size, to->data(), to->length));
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

}  // namespace ep::io
