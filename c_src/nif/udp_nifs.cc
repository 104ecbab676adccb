// Datagram sockets for tests, as the guide has them. They are bound to loopback, and only
// descriptors that were made here are accepted: a NIF that closes any number would end the VM.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "beam/binary.h"
#include "beam/system_error.h"
#include "nif/nifs.h"

namespace ep::nif {
namespace {

constexpr std::uint64_t kMostBytes = 65536;

int get_test_fd(ErlNifEnv* env, State& state, ERL_NIF_TERM term) {
  int fd;
  if (!enif_get_int(env, term, &fd) || !state.test_sockets.contains(fd)) throw BadArgument();
  return fd;
}

in_port_t get_port(ErlNifEnv* env, ERL_NIF_TERM term) {
  const std::uint64_t port = get_uint64(env, term);
  if (port > 65535) throw BadArgument();
  return htons(static_cast<in_port_t>(port));
}

sockaddr* generic(sockaddr_in& address) { return reinterpret_cast<sockaddr*>(&address); }

}  // namespace

// create_test_udp_socket(Port): {ok, {Fd, Port}} | {error, Posix}
ERL_NIF_TERM create_test_udp_socket(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = get_port(env, argv[0]);
  socklen_t size = sizeof address;
  UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd || ::bind(fd.get(), generic(address), size) != 0 ||
      ::getsockname(fd.get(), generic(address), &size) != 0) {
    return error_tuple(env, errno);
  }
  const int number = fd.get();
  state.test_sockets.insert(std::move(fd));
  return enif_make_tuple2(env, state.services.beam.atoms.ok,
                          enif_make_tuple2(env, enif_make_int(env, number),
                                           enif_make_int(env, ntohs(address.sin_port))));
}

// sendto_test_udp(Fd, Data, Host, Port): ok | {error, Posix}; the host as an IPv4 literal
ERL_NIF_TERM sendto_test_udp(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  const int fd = get_test_fd(env, state, argv[0]);
  ErlNifBinary data;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = get_port(env, argv[3]);
  if (!enif_inspect_iolist_as_binary(env, argv[1], &data) ||
      ::inet_pton(AF_INET, get_text(env, argv[2]).c_str(), &address.sin_addr) != 1) {
    throw BadArgument();
  }
  const ssize_t sent =
      ::sendto(fd, data.data, data.size, MSG_NOSIGNAL, generic(address), sizeof address);
  return sent < 0 ? error_tuple(env, errno) : state.services.beam.atoms.ok;
}

// recvfrom_test_udp(Fd, MaxBytes): {ok, {Data, {Host, Port}}} | {error, Posix}; never waits
ERL_NIF_TERM recvfrom_test_udp(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  const int fd = get_test_fd(env, state, argv[0]);
  std::string data(std::min(get_uint64(env, argv[1]), kMostBytes), '\0');
  sockaddr_in address{};
  socklen_t size = sizeof address;
  const ssize_t received = ::recvfrom(fd, data.data(), data.size(), 0, generic(address), &size);
  if (received < 0) return error_tuple(env, errno);
  data.resize(static_cast<std::size_t>(received));
  char host[INET_ADDRSTRLEN];
  ::inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
  return enif_make_tuple2(
      env, state.services.beam.atoms.ok,
      enif_make_tuple2(env, make_binary(env, data),
                       enif_make_tuple2(env, make_binary(env, host),
                                        enif_make_int(env, ntohs(address.sin_port)))));
}

// set_udp_broadcast(Fd, Boolean): ok | {error, Posix}
ERL_NIF_TERM set_udp_broadcast(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  const Atoms& atoms = state.services.beam.atoms;
  const int fd = get_test_fd(env, state, argv[0]);
  if (argv[1] != atoms.true_ && argv[1] != atoms.false_) throw BadArgument();
  const int value = argv[1] == atoms.true_ ? 1 : 0;
  if (::setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &value, sizeof value) != 0) {
    return error_tuple(env, errno);
  }
  return atoms.ok;
}

// close_test_fd(Fd)
ERL_NIF_TERM close_test_fd(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  state.test_sockets.close(get_test_fd(env, state, argv[0]));
  return state.services.beam.atoms.ok;
}

}  // namespace ep::nif
