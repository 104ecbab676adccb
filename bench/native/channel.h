// Channel: a connected, non-blocking byte stream, plain or TLS, with one way to say "later".
//
// Owns its descriptor. One thread. A lost peer is kClosed, whatever the errno; a broken TLS set-up
// (no certificate, no support built in) is std::runtime_error from the factory.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/unique_fd.h"

namespace ep::bench {

enum class IoStatus { kProgress, kWantRead, kWantWrite, kClosed };

struct IoResult {
  IoStatus status = IoStatus::kProgress;
  std::size_t bytes = 0;  // of this call; 0 unless kProgress
};

class Channel {
 public:
  explicit Channel(UniqueFd fd) : fd_(std::move(fd)) {}
  virtual ~Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  virtual IoResult read(std::span<char> into) = 0;
  virtual IoResult write(std::span<const char> from) = 0;
  /// True if bytes have left the kernel and wait in here, so that epoll will not tell of them.
  virtual bool has_buffered() const { return false; }

  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

/// Makes the channels of one server or client; kept alive longer than they are.
class ChannelFactory {
 public:
  virtual ~ChannelFactory() = default;
  virtual std::unique_ptr<Channel> wrap(UniqueFd fd) = 0;
};

std::unique_ptr<ChannelFactory> plain_channels();
std::unique_ptr<ChannelFactory> tls_server_channels(const std::string& certificate_file,
                                                    const std::string& key_file);
/// The server's certificate is not verified: it was made for this run and proves nothing.
std::unique_ptr<ChannelFactory> tls_client_channels();

}  // namespace ep::bench
