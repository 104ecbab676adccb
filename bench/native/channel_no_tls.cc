// Stands in for channel_tls.cc where OpenSSL's headers are not installed.
#include <stdexcept>

#include "channel.h"

namespace ep::bench {
namespace {

[[noreturn]] void refuse() {
  throw std::runtime_error("built without TLS: install libssl-dev and build again");
}

}  // namespace

std::unique_ptr<ChannelFactory> tls_server_channels(const std::string&, const std::string&) {
  refuse();
}

std::unique_ptr<ChannelFactory> tls_client_channels() { refuse(); }

}  // namespace ep::bench
