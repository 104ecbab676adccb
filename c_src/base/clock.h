// The one clock of the project: CLOCK_MONOTONIC in nanoseconds, which is also Python's
// time.monotonic() and therefore loop.time(). Deadlines are absolute readings of it.
#pragma once

#include <time.h>

#include <cstdint>
#include <limits>

namespace ep {

using Nanos = std::int64_t;

inline constexpr Nanos kNever = std::numeric_limits<Nanos>::max();
inline constexpr Nanos kMicrosecond = 1'000;
inline constexpr Nanos kMillisecond = 1'000'000;
inline constexpr Nanos kSecond = 1'000'000'000;

inline Nanos now() noexcept {
  timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return ts.tv_sec * kSecond + ts.tv_nsec;
}

inline timespec to_timespec(Nanos n) noexcept {
  if (n < 0) n = 0;
  return {static_cast<time_t>(n / kSecond), static_cast<long>(n % kSecond)};
}

/// `from` + `delta`, staying at kNever instead of overflowing.
inline Nanos saturating_add(Nanos from, Nanos delta) noexcept {
  if (delta > 0 && from > kNever - delta) return kNever;
  return from + delta;
}

}  // namespace ep
