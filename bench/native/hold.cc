#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <vector>

#include "load.h"
#include "posix.h"

namespace ep::bench {
namespace {

constexpr int kPatienceMs = 5'000;

// One message and its answer, so that the connection is one that has been used.
void echo_once(int fd, std::vector<char>& message) {
  check(::send(fd, message.data(), message.size(), MSG_NOSIGNAL), "send");
  std::size_t received = 0;
  while (received < message.size()) {
    pollfd waiting{fd, POLLIN, 0};
    if (check(::poll(&waiting, 1, kPatienceMs), "poll") == 0) {
      throw std::runtime_error("the server stopped answering");
    }
    const ssize_t n = check(::recv(fd, message.data(), message.size(), 0), "recv");
    if (n == 0) throw std::runtime_error("the server closed a connection");
    received += static_cast<std::size_t>(n);
  }
}

// Closes by reset, so that ten thousand local ports aren't kept waiting for late packets.
void reset_at_close(int fd) {
  const linger none{1, 0};
  check(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none), "setsockopt");
}

void wait_for_end_of_input() {
  char ignored[64];
  while (::read(STDIN_FILENO, ignored, sizeof ignored) > 0) {
  }
}

}  // namespace

void hold_connections(const Endpoint& endpoint, const LoadPlan& plan) {
  std::vector<UniqueFd> connections;
  connections.reserve(plan.connections);
  std::vector<char> message(plan.size, 'x');
  for (std::size_t i = 0; i < plan.connections; ++i) {
    connections.push_back(open_client(endpoint));
    reset_at_close(connections.back().get());
    echo_once(connections.back().get(), message);
  }
  std::printf("{\"held\": %zu}\n", connections.size());
  std::fflush(stdout);
  wait_for_end_of_input();
}

}  // namespace ep::bench
