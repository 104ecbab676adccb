// FlowControl: when to tell a protocol to stop and go on writing; asyncio's water marks.
#pragma once

#include <cstddef>

namespace ep::io {

class FlowControl {
 public:
  static constexpr std::size_t kDefaultHigh = 64 * 1024;

  std::size_t high() const noexcept { return high_; }
  std::size_t low() const noexcept { return low_; }
  /// `low` <= `high`.
  void set_limits(std::size_t low, std::size_t high) noexcept {
    low_ = low;
    high_ = high;
  }

  bool paused() const noexcept { return paused_; }
  /// True, once: the protocol has to be paused, and is taken to be from now on.
  bool must_pause(std::size_t buffered) noexcept {
    if (paused_ || buffered <= high_) return false;
    return paused_ = true;
  }
  /// True, once: it has to be resumed.
  bool must_resume(std::size_t buffered) noexcept {
    if (!paused_ || buffered > low_) return false;
    paused_ = false;
    return true;
  }

 private:
  std::size_t high_ = kDefaultHigh;
  std::size_t low_ = kDefaultHigh / 4;
  bool paused_ = false;
};

}  // namespace ep::io
