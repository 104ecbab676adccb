#include <list>
#include <vector>

#include "echo.h"
#include "endpoint.h"
#include "poll_set.h"

namespace ep::bench {
namespace {

// As large as asyncio's and uvloop's own, so that a 100 KB message takes as many reads.
constexpr std::size_t kReadSize = 256 * 1024;

struct Connection {
  std::unique_ptr<Channel> channel;
  std::vector<char> pending;  // read but not yet written; no more is read while it isn't empty
  std::size_t written = 0;    // of pending
  std::uint32_t interest = EPOLLIN;
  std::list<Connection>::iterator self;
};

class StreamEcho {
 public:
  StreamEcho(UniqueFd listener, ChannelFactory& channels)
      : listener_(std::move(listener)), channels_(channels), buffer_(kReadSize) {
    poll_.add(listener_.get(), EPOLLIN, nullptr);
  }

  [[noreturn]] void run() {
    for (;;) {
      for (const epoll_event& event : poll_.wait(-1)) {
        if (event.data.ptr == nullptr) {
          accept();
        } else {
          serve(*static_cast<Connection*>(event.data.ptr));
        }
      }
    }
  }

 private:
  void accept() {
    while (UniqueFd fd = accept_client(listener_.get())) {
      Connection& connection = connections_.emplace_back();
      connection.self = std::prev(connections_.end());
      connection.channel = channels_.wrap(std::move(fd));
      poll_.add(connection.channel->fd(), connection.interest, &connection);
    }
  }

  void serve(Connection& connection) {
    IoStatus status = IoStatus::kProgress;
    if (!connection.pending.empty()) status = flush(connection);
    if (status == IoStatus::kProgress) {
      do {
        status = echo_once(connection);
      } while (status == IoStatus::kProgress && connection.channel->has_buffered());
    }
    if (status == IoStatus::kClosed) {
      connections_.erase(connection.self);
    } else {
      wait_for(connection, status == IoStatus::kWantWrite ? EPOLLOUT : EPOLLIN);
    }
  }

  IoStatus echo_once(Connection& connection) {
    const IoResult got = connection.channel->read(buffer_);
    if (got.status != IoStatus::kProgress) return got.status;
    const std::span<const char> data(buffer_.data(), got.bytes);
    const IoResult put = connection.channel->write(data);
    if (put.status == IoStatus::kClosed || put.bytes == data.size()) return put.status;
    connection.pending.assign(data.begin() + static_cast<std::ptrdiff_t>(put.bytes), data.end());
    connection.written = 0;
    return flush(connection);
  }

  IoStatus flush(Connection& connection) {
    while (connection.written < connection.pending.size()) {
      const std::span<const char> rest(connection.pending);
      const IoResult put = connection.channel->write(rest.subspan(connection.written));
      if (put.status != IoStatus::kProgress) return put.status;
      connection.written += put.bytes;
    }
    connection.pending.clear();
    return IoStatus::kProgress;
  }

  void wait_for(Connection& connection, std::uint32_t interest) {
    if (connection.interest == interest) return;
    connection.interest = interest;
    poll_.change(connection.channel->fd(), interest, &connection);
  }

  UniqueFd listener_;
  ChannelFactory& channels_;
  PollSet poll_;
  std::list<Connection> connections_;
  std::vector<char> buffer_;
};

}  // namespace

void serve_stream_echo(UniqueFd listener, ChannelFactory& channels) {
  StreamEcho(std::move(listener), channels).run();
}

}  // namespace ep::bench
