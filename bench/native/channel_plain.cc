#include <sys/socket.h>

#include <cerrno>

#include "channel.h"

namespace ep::bench {
namespace {

class PlainChannel final : public Channel {
 public:
  using Channel::Channel;

  IoResult read(std::span<char> into) override {
    const ssize_t n = ::recv(fd(), into.data(), into.size(), 0);
    if (n > 0) return {IoStatus::kProgress, static_cast<std::size_t>(n)};
    if (n < 0 && errno == EAGAIN) return {IoStatus::kWantRead};
    return {IoStatus::kClosed};
  }

  IoResult write(std::span<const char> from) override {
    const ssize_t n = ::send(fd(), from.data(), from.size(), MSG_NOSIGNAL);
    if (n >= 0) return {IoStatus::kProgress, static_cast<std::size_t>(n)};
    return {errno == EAGAIN ? IoStatus::kWantWrite : IoStatus::kClosed};
  }
};

class PlainFactory final : public ChannelFactory {
 public:
  std::unique_ptr<Channel> wrap(UniqueFd fd) override {
    return std::make_unique<PlainChannel>(std::move(fd));
  }
};

}  // namespace

std::unique_ptr<ChannelFactory> plain_channels() { return std::make_unique<PlainFactory>(); }

}  // namespace ep::bench
