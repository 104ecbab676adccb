#include <sys/socket.h>

#include <vector>

#include "echo.h"
#include "poll_set.h"

namespace ep::bench {
namespace {

constexpr std::size_t kLargestDatagram = 64 * 1024;

void echo_waiting_datagrams(int fd, std::vector<char>& buffer) {
  for (;;) {
    sockaddr_storage peer;
    socklen_t length = sizeof peer;
    auto* address = reinterpret_cast<sockaddr*>(&peer);
    const ssize_t n = ::recvfrom(fd, buffer.data(), buffer.size(), 0, address, &length);
    if (n < 0) return;
    // A datagram that can't be sent is lost, as on any network; the client sends it again.
    [[maybe_unused]] const ssize_t sent =
        ::sendto(fd, buffer.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL, address, length);
  }
}

}  // namespace

void serve_datagram_echo(UniqueFd socket) {
  std::vector<char> buffer(kLargestDatagram);
  PollSet poll;
  poll.add(socket.get(), EPOLLIN, nullptr);
  for (;;) {
    if (!poll.wait(-1).empty()) echo_waiting_datagrams(socket.get(), buffer);
  }
}

}  // namespace ep::bench
