// ReadingState: whether a transport wants more from its socket, as pause_reading(),
// resume_reading() and the end of the stream decide. No runtime; one thread.
#pragma once

namespace ep::io {

class ReadingState {
 public:
  /// Is there any use in reading?
  bool wants_more() const noexcept { return state_ == State::kReading; }
  bool is_paused() const noexcept { return state_ == State::kPaused; }

  // False: nothing has changed.
  bool pause() noexcept {
    if (state_ == State::kPaused) return false;
    state_ = State::kPaused;
    return true;
  }
  /// Looks again, also for an end that was there already, as asyncio does.
  bool resume() noexcept {
    if (state_ != State::kPaused) return false;
    state_ = State::kReading;
    return true;
  }

  /// The peer has ended its side, and the protocol keeps ours open.
  void reached_end() noexcept {
    if (state_ == State::kReading) state_ = State::kAtEnd;
  }

 private:
  enum class State : unsigned char { kReading, kAtEnd, kPaused };
  State state_ = State::kReading;
};

}  // namespace ep::io
