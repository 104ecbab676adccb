#include "endpoint.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

#include "posix.h"

namespace ep::bench {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress address_of(const Endpoint& endpoint) {
  SocketAddress address;
  if (endpoint.mode == Mode::kUnix) {
    auto* unix_address = reinterpret_cast<sockaddr_un*>(&address.storage);
    if (endpoint.path.empty() || endpoint.path.size() >= sizeof unix_address->sun_path) {
      throw std::invalid_argument("--path is missing or too long for a Unix socket");
    }
    unix_address->sun_family = AF_UNIX;
    std::memcpy(unix_address->sun_path, endpoint.path.c_str(), endpoint.path.size() + 1);
    address.length = sizeof *unix_address;
  } else {
    auto* inet_address = reinterpret_cast<sockaddr_in*>(&address.storage);
    inet_address->sin_family = AF_INET;
    inet_address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    inet_address->sin_port = htons(endpoint.port);
    address.length = sizeof *inet_address;
  }
  return address;
}

UniqueFd new_socket(Mode mode) {
  const int family = mode == Mode::kUnix ? AF_UNIX : AF_INET;
  const int type = mode == Mode::kUdp ? SOCK_DGRAM : SOCK_STREAM;
  return UniqueFd(check(::socket(family, type | SOCK_CLOEXEC, 0), "socket"));
}

bool is_tcp(Mode mode) { return mode == Mode::kTcp || mode == Mode::kTls; }

void set_option(int fd, int level, int option) {
  const int on = 1;
  check(::setsockopt(fd, level, option, &on, sizeof on), "setsockopt");
}

void set_non_blocking(int fd) { check(::fcntl(fd, F_SETFL, O_NONBLOCK), "fcntl"); }

}  // namespace

Mode parse_mode(const std::string& name) {
  if (name == "tcp") return Mode::kTcp;
  if (name == "unix") return Mode::kUnix;
  if (name == "udp") return Mode::kUdp;
  if (name == "tls") return Mode::kTls;
  throw std::invalid_argument("--mode is one of tcp, unix, udp, tls; not \"" + name + "\"");
}

std::uint16_t bound_port(int fd) {
  SocketAddress address;
  address.length = sizeof address.storage;
  check(::getsockname(fd, address.get(), &address.length), "getsockname");
  if (address.storage.ss_family != AF_INET) return 0;
  return ntohs(reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port);
}

UniqueFd open_server(const Endpoint& endpoint) {
  UniqueFd fd = new_socket(endpoint.mode);
  if (is_tcp(endpoint.mode)) set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR);
  if (endpoint.mode == Mode::kUnix) ::unlink(endpoint.path.c_str());
  SocketAddress address = address_of(endpoint);
  check(::bind(fd.get(), address.get(), address.length), "bind");
  if (endpoint.mode != Mode::kUdp) check(::listen(fd.get(), SOMAXCONN), "listen");
  set_non_blocking(fd.get());
  return fd;
}

UniqueFd open_client(const Endpoint& endpoint) {
  UniqueFd fd = new_socket(endpoint.mode);
  SocketAddress address = address_of(endpoint);
  check(::connect(fd.get(), address.get(), address.length), "connect");
  if (is_tcp(endpoint.mode)) set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY);
  set_non_blocking(fd.get());
  return fd;
}

UniqueFd accept_client(int listener) {
  UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) {
    if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR) return fd;
    check(-1, "accept");
  }
  if (bound_port(listener) != 0) set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY);
  return fd;
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  return limit.rlim_cur;
}

}  // namespace ep::bench
