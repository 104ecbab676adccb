// Phase: how far a transport has come on its way from being made to its end. It only goes forward.
//
//   kStarting ─ begin() ─> kOpen ─ close() ─> kClosing ─ lose() ─> kLost ─ end() ─> kOver
//
// and from each to any later one: a transport may be closed before it has begun, and lost at any
// time. No runtime; one thread.
#pragma once

namespace ep::io {

enum class Phase : unsigned char {
  kStarting,  // connection_made() has not returned yet
  kOpen,
  kClosing,  // what is queued is sent first
  kLost,     // connection_lost() is queued, or is being called
  kOver,     // it has returned: nothing is left
};

class Lifetime {
 public:
  Phase phase() const noexcept { return phase_; }
  bool is_open() const noexcept { return phase_ == Phase::kOpen; }
  bool is_closing() const noexcept { return phase_ >= Phase::kClosing; }
  bool is_lost() const noexcept { return phase_ >= Phase::kLost; }
  bool is_over() const noexcept { return phase_ == Phase::kOver; }

  // False: it was there already, or beyond.
  bool begin() noexcept { return advance(Phase::kOpen); }
  bool close() noexcept { return advance(Phase::kClosing); }
  bool lose() noexcept { return advance(Phase::kLost); }
  bool end() noexcept { return advance(Phase::kOver); }

 private:
  bool advance(Phase to) noexcept {
    if (phase_ >= to) return false;
    phase_ = to;
    return true;
  }

  Phase phase_ = Phase::kStarting;
};

/// Counts what is written to a lost connection. As asyncio, it goes without a word at first.
class LostWrites {
 public:
  static constexpr int kSilent = 4;

  int count() const noexcept { return count_; }
  /// One more. True: it is worth a warning.
  bool add() noexcept { return ++count_ > kSilent; }

 private:
  int count_ = 0;
};

}  // namespace ep::io
