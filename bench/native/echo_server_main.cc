// echo_server --mode tcp|unix|udp|tls [--port N] [--path FILE] [--cert FILE --key FILE]
//
// Prints one JSON line, {"pid": P, "port": N}, when it listens. Dies with its parent.
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "echo.h"
#include "endpoint.h"
#include "flags.h"

namespace ep::bench {
namespace {

[[noreturn]] void run(Flags flags) {
  Endpoint endpoint;
  endpoint.mode = parse_mode(flags.text("mode", "tcp"));
  endpoint.port = static_cast<std::uint16_t>(flags.number("port", 0));
  endpoint.path = flags.text("path", "");
  const std::string certificate = flags.text("cert", "");
  const std::string key = flags.text("key", "");
  flags.reject_unknown();

  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  raise_descriptor_limit();
  UniqueFd socket = open_server(endpoint);
  std::printf("{\"pid\": %d, \"port\": %d}\n", ::getpid(), bound_port(socket.get()));
  std::fflush(stdout);

  if (endpoint.mode == Mode::kUdp) serve_datagram_echo(std::move(socket));
  const auto channels =
      endpoint.mode == Mode::kTls ? tls_server_channels(certificate, key) : plain_channels();
  serve_stream_echo(std::move(socket), *channels);
}

}  // namespace
}  // namespace ep::bench

int main(int argc, char** argv) {
  try {
    ep::bench::run(ep::bench::Flags(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "echo_server: %s\n", error.what());
    return 1;
  }
}
