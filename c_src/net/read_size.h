// ReadSize: how much room the next read of a stream gets, learnt from the reads before.
//
// Most messages are small: those are read into a buffer on the stack and copied into an object of
// their exact size, which costs less than shrinking one that was made too big. A stream that has
// delivered more at once gets memory of about that size, into which the kernel writes directly.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace ep::net {

class ReadSize {
 public:
  /// A read that turns out not to be bigger than this was better copied.
  static constexpr std::size_t kCopied = 16 * 1024;
  /// What a buffer on the stack holds, so that the first read of a burst needs no second one.
  static constexpr std::size_t kStack = 64 * 1024;
  static constexpr std::size_t kMax = 256 * 1024;

  bool copied() const noexcept { return size_ <= kCopied; }
  /// Bytes to allocate, if not copied().
  std::size_t size() const noexcept { return size_; }

  /// Grows at once, because each read too many is a system call; shrinks when two reads in a row
  /// have used less than half.
  void record(std::size_t got) noexcept {
    const std::size_t used = std::clamp(round_up(got), kCopied, kMax);
    if (got >= size_) {
      size_ = static_cast<std::uint32_t>(std::min(std::max(used, std::size_t{2} * size_), kMax));
      small_before_ = false;
    } else if (used * 2 > size_) {
      small_before_ = false;
    } else if (small_before_) {
      size_ /= 2;
      small_before_ = false;
    } else {
      small_before_ = true;
    }
  }

 private:
  static std::size_t round_up(std::size_t n) { return (n + 4095) & ~std::size_t{4095}; }

  std::uint32_t size_ = kCopied;
  bool small_before_ = false;
};

}  // namespace ep::net
