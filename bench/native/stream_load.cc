#include <algorithm>
#include <list>
#include <stdexcept>
#include <vector>

#include "load.h"
#include "poll_set.h"

namespace ep::bench {
namespace {

constexpr std::size_t kReadSize = 256 * 1024;

struct Client {
  std::unique_ptr<Channel> channel;
  std::size_t sent = 0;
  std::size_t received = 0;
  Nanos started = 0;
  bool verified = false;
  bool done = false;
  std::uint32_t interest = EPOLLIN;
};

class StreamLoad {
 public:
  StreamLoad(const Endpoint& endpoint, ChannelFactory& channels, const LoadPlan& plan)
      : plan_(plan), message_(plan.size), buffer_(kReadSize), meter_(plan) {
    for (std::size_t i = 0; i < message_.size(); ++i) message_[i] = static_cast<char>(i * 31 + 7);
    for (std::size_t i = 0; i < plan.connections; ++i) {
      Client& client = clients_.emplace_back();
      client.channel = channels.wrap(open_client(endpoint));
      poll_.add(client.channel->fd(), client.interest, &client);
    }
  }

  std::string run() {
    for (Client& client : clients_) {
      begin_message(client);
      send_rest(client);
    }
    std::size_t active = clients_.size();
    while (active > 0 && now() < give_up_at()) {
      for (const epoll_event& event : poll_.wait(100)) {
        Client& client = *static_cast<Client*>(event.data.ptr);
        advance(client);
        if (client.done) --active;
      }
    }
    return meter_.report();
  }

 private:
  // After the measuring each client still gets its last answer, so that no server sees a
  // connection break in the middle of a message.
  Nanos give_up_at() {
    if (meter_.running(now())) return kNever;
    if (give_up_at_ == kNever) give_up_at_ = now() + kSecond;
    return give_up_at_;
  }

  void begin_message(Client& client) {
    client.sent = client.received = 0;
    client.started = now();
  }

  // Receives, then sends, as much as goes without waiting.
  void advance(Client& client) {
    if (client.done) return;
    receive(client);
    if (!client.done) send_rest(client);
  }

  void send_rest(Client& client) {
    IoResult put;
    while (client.sent < message_.size()) {
      put = client.channel->write(std::span<const char>(message_).subspan(client.sent));
      if (put.status != IoStatus::kProgress) break;
      client.sent += put.bytes;
    }
    if (put.status == IoStatus::kClosed) throw_closed();
    wait_for(client, put.status == IoStatus::kWantWrite ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }

  void receive(Client& client) {
    while (client.received < message_.size()) {
      const IoResult got = client.channel->read(buffer_);
      if (got.status == IoStatus::kClosed) throw_closed();
      if (got.status != IoStatus::kProgress) return;
      if (!client.verified) verify(client, got.bytes);
      client.received += got.bytes;
      // A short read from the kernel means that it had no more: spare the call that says so.
      if (got.bytes < buffer_.size() && !client.channel->has_buffered()) break;
    }
    if (client.received >= message_.size()) finish_message(client);
  }

  [[noreturn]] static void throw_closed() {
    throw std::runtime_error("the server closed a connection");
  }

  void verify(const Client& client, std::size_t bytes) const {
    const auto from = message_.begin() + static_cast<std::ptrdiff_t>(client.received);
    if (client.received + bytes > message_.size() ||
        !std::equal(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(bytes), from)) {
      throw std::runtime_error("the server's answer differs from the message");
    }
  }

  void finish_message(Client& client) {
    client.verified = true;
    const Nanos finished = now();
    if (meter_.completed(client.started, finished)) {
      begin_message(client);
    } else {
      client.done = true;
    }
  }

  void wait_for(Client& client, std::uint32_t interest) {
    if (client.interest == interest) return;
    client.interest = interest;
    poll_.change(client.channel->fd(), interest, &client);
  }

  const LoadPlan plan_;
  std::vector<char> message_;
  std::vector<char> buffer_;
  PollSet poll_;
  std::list<Client> clients_;
  Meter meter_;
  Nanos give_up_at_ = kNever;
};

}  // namespace

std::string run_stream_load(const Endpoint& endpoint, ChannelFactory& channels,
                            const LoadPlan& plan) {
  return StreamLoad(endpoint, channels, plan).run();
}

}  // namespace ep::bench
