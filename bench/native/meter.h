// Meter: counts the round trips of one load run, from the end of its warm-up to its stop.
//
// One thread. Costs the load generator two clock readings a round trip and 4 bytes of memory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace ep::bench {

struct LoadPlan {
  std::size_t connections = 1;
  std::size_t size = 64;  // bytes of a message
  double warmup_seconds = 0.3;
  double seconds = 1.0;        // of measuring, at most
  std::uint64_t requests = 0;  // stop after so many, if not 0
  pid_t server = 0;            // whose CPU to report, if not 0
};

/// CPU time a process has used so far, all its threads together; nothing if it is gone.
std::optional<Nanos> cpu_of_process(pid_t pid);

class Meter {
 public:
  explicit Meter(const LoadPlan& plan);

  /// Call after each round trip. Returns false when the run is over.
  bool completed(Nanos started, Nanos finished);
  /// False once the measuring is over, or if nothing completes any more.
  bool running(Nanos at) const { return !stopped_ && at < give_up_at_; }
  void lost_one() { ++lost_; }

  /// The result as one line of JSON; std::runtime_error if nothing was measured.
  std::string report();

 private:
  void start(Nanos at);
  void stop(Nanos at);
  double percentile_us(double p);

  const LoadPlan plan_;
  const Nanos warm_until_;
  const Nanos give_up_at_;
  Nanos started_at_ = 0;
  Nanos stopped_at_ = 0;
  bool stopped_ = false;
  std::optional<Nanos> server_cpu_before_, server_cpu_after_;
  Nanos own_cpu_before_ = 0, own_cpu_after_ = 0;
  std::uint64_t lost_ = 0;
  std::vector<std::uint32_t> latencies_;  // nanoseconds, 4.2 s at most
};

}  // namespace ep::bench
