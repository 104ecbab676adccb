// The bare echo servers: the least that a program can do with epoll, hence the limit that every
// event loop is compared with. They run until the process is killed.
#pragma once

#include "base/unique_fd.h"
#include "channel.h"

namespace ep::bench {

/// Accepts on `listener` and writes back what it reads, on the calling thread.
[[noreturn]] void serve_stream_echo(UniqueFd listener, ChannelFactory& channels);

/// Sends every datagram back to where it came from, on the calling thread.
[[noreturn]] void serve_datagram_echo(UniqueFd socket);

}  // namespace ep::bench
