// Crowd: are there many of a kind alive, or have there been, and they are not gone yet?
//
// Memory of what was made in a crowd lies anywhere among that of the others; keeping some of it for
// later would keep whole arenas of Python's allocator from being given back.
//
// What is used again is not counted: who keeps memory for that knows how much he keeps, and takes
// new memory only when there is none of it. So nothing is counted on the way that is usual. No
// runtime; one thread.
#pragma once

#include <cstddef>

namespace ep::io {

class Crowd {
 public:
  static constexpr std::size_t kMany = 4096;  // from more on there is a crowd,
  static constexpr std::size_t kFew = 1024;   // until there are fewer

  bool gathered() const noexcept { return gathered_; }

  /// New memory was taken: all that there is of it is in use.
  void made() noexcept {
    if (++made_ > kMany) gathered_ = true;
  }
  void freed() noexcept { --made_; }

  /// One has died, and so many are kept, this one included. True, once: the crowd is gone.
  bool is_gone(std::size_t kept) noexcept {
    if (!gathered_ || made_ - kept >= kFew) return false;
    gathered_ = false;
    return true;
  }

 private:
  std::size_t made_ = 0;  // and not freed
  bool gathered_ = false;
};

}  // namespace ep::io
