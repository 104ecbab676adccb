// Turns: where a loop is in its run phase. A phase runs the entries that were ready when it began,
// one turn each; callbacks may run phases of their own within a turn.
//
// What is better done once than each time that it is asked for, sending what was written say, is
// left to the end of a turn, or of several while turns are short and follow each other. But a reply
// is never late for the sake of code that computes. No runtime; the loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/clock.h"

namespace ep::io {

class Turns {
 public:
  /// Turns of a phase are quick if they took less, on average.
  static constexpr Nanos kQuick = 50 * kMicrosecond;
  /// What waits for the end of turns waits no longer than this, if they go on.
  static constexpr Nanos kLongestDelay = 100 * kMicrosecond;

  /// The number of the turn that runs now; 0 if none does. Never the same again.
  std::uint64_t current() const noexcept { return current_; }
  /// More of them come right after this one, and such ones have been quick lately.
  bool follow_quickly() const noexcept { return left_ > 0 && quick_; }

  /// Something is left to the end of a turn, and nothing has been so far.
  void begin_to_wait() noexcept { waiting_since_ = now(); }
  /// A turn has ended: may what waits go on waiting?
  bool may_wait_longer() const noexcept {
    return follow_quickly() && now() - waiting_since_ < kLongestDelay;
  }

  /// A phase of so many entries.
  class Phase {
   public:
    Phase(Turns& turns, std::size_t entries) noexcept
        : turns_(turns),
          outer_left_(turns.left_),
          entries_(entries),
          began_(entries > 1 ? now() : 0) {}
    ~Phase() {
      turns_.left_ = outer_left_;
      if (entries_ > 1) turns_.quick_ = now() - began_ < static_cast<Nanos>(entries_) * kQuick;
    }
    Phase(const Phase&) = delete;
    Phase& operator=(const Phase&) = delete;

    /// So many come after the one that runs next.
    void left(std::size_t entries) noexcept { turns_.left_ = entries; }

   private:
    Turns& turns_;
    const std::size_t outer_left_;
    const std::size_t entries_;
    const Nanos began_;
  };

  class Turn {
   public:
    explicit Turn(Turns& turns) noexcept
        : turns_(turns), outer_(std::exchange(turns.current_, ++turns.last_)) {}
    ~Turn() { turns_.current_ = outer_; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Turns& turns_;
    const std::uint64_t outer_;
  };

 private:
  std::uint64_t current_ = 0;
  std::uint64_t last_ = 0;
  std::size_t left_ = 0;     // entries of the phase after the one that runs now
  bool quick_ = false;       // the last phase that had several
  Nanos waiting_since_ = 0;  // what is left to the end of a turn
};

}  // namespace ep::io
