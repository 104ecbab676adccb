// Crowd: are there many of a kind alive, or have there been, and they are not gone yet?
//
// Memory of what was made in a crowd lies anywhere among that of the others; keeping some of it for
// later would keep whole arenas of Python's allocator from being given back. No runtime; one
// thread.
#pragma once

#include <cstddef>

namespace ep::io {

class Crowd {
 public:
  static constexpr std::size_t kMany = 4096;  // from more on there is a crowd,
  static constexpr std::size_t kFew = 1024;   // until there are fewer

  bool gathered() const noexcept { return gathered_; }

  void born() noexcept {
    if (++alive_ > kMany) gathered_ = true;
  }
  /// True, once: the crowd is gone.
  bool died() noexcept {
    if (--alive_ >= kFew || !gathered_) return false;
    gathered_ = false;
    return true;
  }

 private:
  std::size_t alive_ = 0;
  bool gathered_ = false;
};

}  // namespace ep::io
