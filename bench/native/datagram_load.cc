#include <sys/socket.h>

#include <cstring>
#include <list>
#include <stdexcept>
#include <vector>

#include "load.h"
#include "poll_set.h"

namespace ep::bench {
namespace {

constexpr Nanos kResendAfter = 200 * kMillisecond;

// Each message starts with its number, so that a late answer isn't taken for the awaited one.
using Number = std::uint64_t;

struct Client {
  UniqueFd fd;
  Number number = 0;
  Nanos started = 0;
  Nanos last_sent = 0;
  bool done = false;
};

class DatagramLoad {
 public:
  DatagramLoad(const Endpoint& endpoint, const LoadPlan& plan)
      : message_(plan.size), buffer_(64 * 1024), meter_(plan) {
    if (plan.size < sizeof(Number)) throw std::invalid_argument("--size is less than 8 bytes");
    for (std::size_t i = 0; i < message_.size(); ++i) message_[i] = static_cast<char>(i * 31 + 7);
    for (std::size_t i = 0; i < plan.connections; ++i) {
      Client& client = clients_.emplace_back();
      client.fd = open_client(endpoint);
      poll_.add(client.fd.get(), EPOLLIN, &client);
    }
  }

  std::string run() {
    for (Client& client : clients_) begin_message(client);
    Nanos next_check = now() + kResendAfter;
    while (meter_.running(now())) {
      for (const epoll_event& event : poll_.wait(100)) {
        receive(*static_cast<Client*>(event.data.ptr));
      }
      if (now() < next_check) continue;
      for (Client& client : clients_) resend_if_lost(client);
      next_check = now() + kResendAfter;
    }
    return meter_.report();
  }

 private:
  void begin_message(Client& client) {
    ++client.number;
    client.started = now();
    send(client);
  }

  void send(Client& client) {
    client.last_sent = now();
    std::memcpy(message_.data(), &client.number, sizeof client.number);
    const ssize_t n = ::send(client.fd.get(), message_.data(), message_.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) check(n, "send");
  }

  void receive(Client& client) {
    const ssize_t n = ::recv(client.fd.get(), buffer_.data(), buffer_.size(), 0);
    if (n < 0 && errno == EAGAIN) return;
    check(n, "recv");
    Number number = 0;
    std::memcpy(&number, buffer_.data(), sizeof number);
    if (number != client.number) return;
    if (number == 1) verify(static_cast<std::size_t>(n));
    if (meter_.completed(client.started, now())) begin_message(client);
  }

  void verify(std::size_t bytes) const {
    const bool same = bytes == message_.size() &&
                      std::memcmp(buffer_.data() + sizeof(Number), message_.data() + sizeof(Number),
                                  bytes - sizeof(Number)) == 0;
    if (!same) throw std::runtime_error("the server's answer differs from the message");
  }

  void resend_if_lost(Client& client) {
    if (now() - client.last_sent < kResendAfter) return;
    meter_.lost_one();
    send(client);
  }

  std::vector<char> message_;
  std::vector<char> buffer_;
  PollSet poll_;
  std::list<Client> clients_;
  Meter meter_;
};

}  // namespace

std::string run_datagram_load(const Endpoint& endpoint, const LoadPlan& plan) {
  return DatagramLoad(endpoint, plan).run();
}

}  // namespace ep::bench
