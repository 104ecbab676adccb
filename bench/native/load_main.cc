// load --mode tcp|unix|udp|tls [--port N] [--path FILE] [--connections N] [--size BYTES]
//      [--warmup S] [--seconds S] [--requests N] [--server-pid PID] [--hold 1]
//
// Loads an echo server on loopback and prints one line of JSON; see load.h. Dies with its parent.
#include <sys/prctl.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>

#include "flags.h"
#include "load.h"

namespace ep::bench {
namespace {

Endpoint endpoint_from(Flags& flags) {
  Endpoint endpoint;
  endpoint.mode = parse_mode(flags.text("mode", "tcp"));
  endpoint.port = static_cast<std::uint16_t>(flags.number("port", 0));
  endpoint.path = flags.text("path", "");
  return endpoint;
}

LoadPlan plan_from(Flags& flags) {
  const auto count = [&flags](const char* name, long fallback) {
    const long value = flags.number(name, fallback);
    if (value < 0) throw std::invalid_argument(std::string("--") + name + " is negative");
    return static_cast<std::size_t>(value);
  };
  LoadPlan plan;
  plan.connections = count("connections", 1);
  plan.size = count("size", 64);
  plan.requests = count("requests", 0);
  plan.server = static_cast<pid_t>(count("server-pid", 0));
  plan.warmup_seconds = flags.real("warmup", plan.warmup_seconds);
  plan.seconds = flags.real("seconds", plan.seconds);
  if (plan.connections == 0 || plan.size == 0) {
    throw std::invalid_argument("--connections and --size must be at least 1");
  }
  return plan;
}

std::string run_load(const Endpoint& endpoint, const LoadPlan& plan) {
  if (endpoint.mode == Mode::kUdp) return run_datagram_load(endpoint, plan);
  const auto channels = endpoint.mode == Mode::kTls ? tls_client_channels() : plain_channels();
  return run_stream_load(endpoint, *channels, plan);
}

void run(Flags flags) {
  const Endpoint endpoint = endpoint_from(flags);
  const LoadPlan plan = plan_from(flags);
  const bool hold = flags.number("hold", 0) != 0;
  flags.reject_unknown();

  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  raise_descriptor_limit();
  if (hold) {
    hold_connections(endpoint, plan);
  } else {
    std::puts(run_load(endpoint, plan).c_str());
  }
}

}  // namespace
}  // namespace ep::bench

int main(int argc, char** argv) {
  try {
    ep::bench::run(ep::bench::Flags(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "load: %s\n", error.what());
    return 1;
  }
}
