// Addresses of sockets: the kernel's form, and the numbers and text in it.
//
// SocketAddress has room for any; InetAddress for those that connections are made of by the
// thousand, and for a Unix socket without a name.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ep::io {

class SocketAddress {
 public:
  /// For calls that fill one in; set `length` to capacity() before.
  sockaddr* data() noexcept { return &storage_.any; }
  const sockaddr* data() const noexcept { return &storage_.any; }
  static constexpr socklen_t capacity() noexcept { return sizeof(Storage); }

  socklen_t length = 0;

  /// AF_UNSPEC if there is none.
  int family() const noexcept {
    return length < sizeof(sa_family_t) ? AF_UNSPEC : data()->sa_family;
  }

  const sockaddr_in& ipv4() const noexcept { return storage_.v4; }
  const sockaddr_in6& ipv6() const noexcept { return storage_.v6; }
  /// The path of a Unix socket; empty for an unnamed one, starting with a zero byte if abstract.
  std::string_view path() const noexcept;
  /// Of an IPv4 or IPv6 address, as inet_ntop() writes it.
  std::string host() const;
  std::uint16_t port() const noexcept;

  bool operator==(const SocketAddress& other) const noexcept;

  /// `host` in numbers, of `family`. None: it is a name, or an address of another family.
  static std::optional<SocketAddress> from_numbers(int family, const char* host, std::uint16_t port,
                                                   std::uint32_t flow_info = 0,
                                                   std::uint32_t scope_id = 0) noexcept;

  // None: no such address. As getsockname() and getpeername().
  static std::optional<SocketAddress> of_socket(int fd) noexcept;
  static std::optional<SocketAddress> of_peer(int fd) noexcept;

 private:
  union Storage {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_un local;
    sockaddr_storage space;
  } storage_{};
};

/// A small copy.
class InetAddress {
 public:
  /// False: `address` does not fit.
  bool assign(const SocketAddress& address) noexcept;
  SocketAddress get() const noexcept;
  bool operator==(const InetAddress& other) const noexcept = default;

 private:
  std::uint8_t length_ = 0;
  alignas(sockaddr_in6) unsigned char bytes_[sizeof(sockaddr_in6)] = {};
};

}  // namespace ep::io
