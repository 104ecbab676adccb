#include "meter.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <stdexcept>

namespace ep::bench {
namespace {

// How long a silent server is waited for beyond the plan.
constexpr Nanos kPatience = 5 * kSecond;

Nanos from_seconds(double s) { return static_cast<Nanos>(s * static_cast<double>(kSecond)); }

}  // namespace

std::optional<Nanos> cpu_of_process(pid_t pid) {
  clockid_t clock;
  timespec used{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) return {};
  return used.tv_sec * kSecond + used.tv_nsec;
}

Meter::Meter(const LoadPlan& plan)
    : plan_(plan),
      warm_until_(now() + from_seconds(plan.warmup_seconds)),
      give_up_at_(warm_until_ + from_seconds(plan.seconds) + kPatience) {
  latencies_.reserve(1 << 20);
}

void Meter::start(Nanos at) {
  started_at_ = at;
  if (plan_.server != 0) server_cpu_before_ = cpu_of_process(plan_.server);
  own_cpu_before_ = cpu_of_process(::getpid()).value_or(0);
}

void Meter::stop(Nanos at) {
  stopped_ = true;
  stopped_at_ = at;
  if (plan_.server != 0) server_cpu_after_ = cpu_of_process(plan_.server);
  own_cpu_after_ = cpu_of_process(::getpid()).value_or(0);
}

bool Meter::completed(Nanos started, Nanos finished) {
  if (stopped_) return false;
  if (started_at_ == 0) {
    if (finished >= warm_until_) start(finished);
    return true;
  }
  constexpr Nanos kMost = std::numeric_limits<std::uint32_t>::max();
  latencies_.push_back(static_cast<std::uint32_t>(std::min(finished - started, kMost)));
  const bool enough = plan_.requests != 0 && latencies_.size() >= plan_.requests;
  if (enough || finished - started_at_ >= from_seconds(plan_.seconds)) stop(finished);
  return !stopped_;
}

double Meter::percentile_us(double p) {
  const auto rank = static_cast<std::size_t>(p * static_cast<double>(latencies_.size() - 1));
  const auto nth = latencies_.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(latencies_.begin(), nth, latencies_.end());
  return static_cast<double>(*nth) / static_cast<double>(kMicrosecond);
}

std::string Meter::report() {
  if (latencies_.empty() || !stopped_) {
    throw std::runtime_error("the server stopped answering, or answered nothing at all");
  }
  const auto count = static_cast<double>(latencies_.size());
  const auto seconds = static_cast<double>(stopped_at_ - started_at_) / kSecond;
  const auto each_us = [count](Nanos n) { return static_cast<double>(n) / kMicrosecond / count; };

  char server_cpu[40] = "null";
  if (server_cpu_before_ && server_cpu_after_) {
    std::snprintf(server_cpu, sizeof server_cpu, "%.3f",
                  each_us(*server_cpu_after_ - *server_cpu_before_));
  }
  char line[512];
  std::snprintf(line, sizeof line,
                "{\"connections\": %zu, \"size\": %zu, \"requests\": %zu, \"seconds\": %.4f, "
                "\"requests_per_s\": %.1f, \"p50_us\": %.2f, \"p99_us\": %.2f, "
                "\"server_cpu_us\": %s, \"client_cpu_us\": %.3f, \"lost\": %lu}",
                plan_.connections, plan_.size, latencies_.size(), seconds, count / seconds,
                percentile_us(0.50), percentile_us(0.99), server_cpu,
                each_us(own_cpu_after_ - own_cpu_before_), static_cast<unsigned long>(lost_));
  return line;
}

}  // namespace ep::bench
