// The load generators: each keeps `connections` clients, every one of which sends a message,
// waits for all of it to come back, and sends the next. One thread; it sleeps in epoll while it
// waits, as a real client does, so a round trip on one connection contains its wake-up too.
//
// The first answer on each connection is compared byte for byte; std::runtime_error if it is
// wrong, if a connection is lost, or if the server falls silent.
#pragma once

#include <string>

#include "channel.h"
#include "endpoint.h"
#include "meter.h"

namespace ep::bench {

/// Returns the result as one line of JSON.
std::string run_stream_load(const Endpoint& endpoint, ChannelFactory& channels,
                            const LoadPlan& plan);

/// The same for UDP. Datagrams that get lost are sent again and counted.
std::string run_datagram_load(const Endpoint& endpoint, const LoadPlan& plan);

/// Opens the connections, has one message echoed on each, says {"held": N} on standard output,
/// and keeps them idle until standard input ends.
void hold_connections(const Endpoint& endpoint, const LoadPlan& plan);

}  // namespace ep::bench
