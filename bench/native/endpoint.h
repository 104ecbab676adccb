// Endpoint: where a server listens and a client connects, for every mode of these programs.
//
// Only loopback addresses exist here: 127.0.0.1 with a port, or the path of a Unix socket.
// All failures are std::system_error or std::invalid_argument.
#pragma once

#include <cstdint>
#include <string>

#include "base/unique_fd.h"

namespace ep::bench {

enum class Mode { kTcp, kUnix, kUdp, kTls };

Mode parse_mode(const std::string& name);

struct Endpoint {
  Mode mode = Mode::kTcp;
  std::uint16_t port = 0;  // 0 lets the kernel choose; for all but kUnix
  std::string path;        // for kUnix
};

/// Port of a bound socket; 0 for a Unix socket.
std::uint16_t bound_port(int fd);

/// A bound, non-blocking socket: listening, or ready for datagrams in kUdp.
UniqueFd open_server(const Endpoint& endpoint);

/// A connected, non-blocking socket. The connecting itself blocks.
UniqueFd open_client(const Endpoint& endpoint);

/// The next waiting connection, non-blocking, Nagle's delay off; empty if none waits.
UniqueFd accept_client(int listener);

/// Raises the soft limit of descriptors to the hard one and returns it.
std::uint64_t raise_descriptor_limit();

}  // namespace ep::bench
