#include "io/address.h"

#include <arpa/inet.h>

#include <cstddef>
#include <cstring>

namespace ep::io {

std::string_view SocketAddress::path() const noexcept {
  constexpr socklen_t offset = offsetof(sockaddr_un, sun_path);
  if (family() != AF_UNIX || length <= offset) return {};
  const char* path = storage_.local.sun_path;
  const std::size_t size = length - offset;
  // Only an abstract name may contain zero bytes.
  return {path, path[0] == '\0' ? size : ::strnlen(path, size)};
}

std::string SocketAddress::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  const void* bytes = family() == AF_INET6 ? static_cast<const void*>(&storage_.v6.sin6_addr)
                                           : &storage_.v4.sin_addr;
  ::inet_ntop(family(), bytes, text, sizeof text);
  return text;
}

std::uint16_t SocketAddress::port() const noexcept {
  return ntohs(family() == AF_INET6 ? storage_.v6.sin6_port : storage_.v4.sin_port);
}

bool SocketAddress::operator==(const SocketAddress& other) const noexcept {
  return length == other.length && std::memcmp(data(), other.data(), length) == 0;
}

std::optional<SocketAddress> SocketAddress::from_numbers(int family, const char* host,
                                                         std::uint16_t port,
                                                         std::uint32_t flow_info,
                                                         std::uint32_t scope_id) noexcept {
  SocketAddress address;
  if (family == AF_INET) {
    sockaddr_in& v4 = address.storage_.v4;
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    address.length = sizeof v4;
    if (::inet_pton(AF_INET, host, &v4.sin_addr) == 1) return address;
  } else if (family == AF_INET6) {
    sockaddr_in6& v6 = address.storage_.v6;
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    v6.sin6_flowinfo = htonl(flow_info);
    v6.sin6_scope_id = scope_id;
    address.length = sizeof v6;
    if (::inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) return address;
  }
  return std::nullopt;
}

std::optional<SocketAddress> SocketAddress::of_socket(int fd) noexcept {
  SocketAddress address;
  address.length = capacity();
  if (::getsockname(fd, address.data(), &address.length) != 0) return std::nullopt;
  return address;
}

std::optional<SocketAddress> SocketAddress::of_peer(int fd) noexcept {
  SocketAddress address;
  address.length = capacity();
  if (::getpeername(fd, address.data(), &address.length) != 0) return std::nullopt;
  return address;
}

bool InetAddress::assign(const SocketAddress& address) noexcept {
  if (address.length > sizeof bytes_) return false;
  length_ = static_cast<std::uint8_t>(address.length);
  std::memcpy(bytes_, address.data(), length_);
  return true;
}

SocketAddress InetAddress::get() const noexcept {
  SocketAddress address;
  address.length = length_;
  std::memcpy(static_cast<void*>(address.data()), bytes_, length_);
  return address;
}

}  // namespace ep::io
