// Interruption: how the code that runs on a thread is made to end early, by an exception that
// another thread asks for.
//
// Code runs on top of other code: a job inside of a wait, or inside of a blocking loop. So there is
// a stack of frames, one for each piece of work, and an exception is meant for one of them:
//
//   kUntouched ─▶ kAsked       asked for; other work is on top, whose end it has to await
//   kUntouched ─▶ kPending     asked for; handed to the interpreter, which has yet to raise it
//   kAsked ─────▶ kPending     the work on top has ended
//   kPending ───▶ kAsked       new work has come on top before it was raised: taken back meanwhile
//   kPending ───▶ kRaised      the interpreter has raised it, or a wait has taken it to raise it
//   kRaised ────▶ kSettled     so has the blocking loop that runs there: tasks and callbacks keep
//                              what is raised in them to themselves
//   kPending, kRaised, kSettled ─▶ kPending    it got lost, in a finalizer say: once more
//   any ────────▶ kAsked, kPending             asked for again
//
// The end of a frame takes back what is still pending: it must not hit the work that comes next.
// Invariant: only the innermost frame is ever kPending, so what the interpreter holds is meant for
// the code that it runs.
//
// Knows neither Python nor the VM. In production whoever calls it is attached, save for state().
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include "runtime/work.h"

namespace ep {

/// `Exception` is small, and what it names lives for ever.
template <class Exception>
class Interruption {
 public:
  /// The interpreter's part: it holds at most one exception for the thread.
  class Thrower {
   public:
    /// Any thread. Raises it in the thread's code, soon; instead of one that it holds already.
    virtual void hand_in(Exception exception) noexcept = 0;
    /// Any thread. Whatever it holds is not to be raised.
    virtual void take_back() noexcept = 0;
    /// The thread itself: has what was handed in last been raised?
    virtual bool has_raised() const noexcept = 0;

   protected:
    ~Thrower() = default;
  };

  enum class State : std::uint8_t { kUntouched, kAsked, kPending, kRaised, kSettled };
  /// Who can mean a frame: everybody, by name, or only who means whatever runs on the thread.
  enum class Reach : std::uint8_t { kByName, kByThread };
  enum class [[nodiscard]] Asked : std::uint8_t{
      kNotHere,  // nothing is to be done
      kLater,    // when the work on top has ended
      kNow,      // the thread should be woken
  };
  /// Names a frame for ever.
  enum class Ticket : std::uint64_t { kNone = 0 };

  class Frame {
   public:
    /// On the thread itself, as all that follows. `chain`: that the work is part of, or 0.
    Frame(Interruption& owner, Work& work, std::uint64_t chain, Reach reach) noexcept;
    ~Frame();
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;

   private:
    friend class Interruption;
    Interruption& owner_;
    Work& work_;
    Frame* const below_;
    const std::uint64_t chain_;
    const Reach reach_;
    Ticket ticket_;
    State state_ = State::kUntouched;
    Exception exception_{};  // in all states but kUntouched
  };

  explicit Interruption(Thrower& thrower) noexcept : thrower_(thrower) {}

  // Any thread.

  /// Interrupts `work` and, of what runs on top of it, what belongs to `chain`, since that works
  /// for it.
  Asked ask(const Work& work, std::uint64_t chain, Exception exception) noexcept;
  Asked ask(Ticket ticket, Exception exception) noexcept;
  /// Whatever runs there.
  Asked ask_innermost(Exception exception) noexcept;
  /// The frame that runs now; kNone if there is none that can be meant by name.
  Ticket innermost() noexcept;
  /// Of the innermost frame.
  State state() const noexcept { return state_.load(std::memory_order_acquire); }

  // The thread itself.

  Work* work() const noexcept { return innermost_ != nullptr ? &innermost_->work_ : nullptr; }

  /// The innermost frame waits, and raises what it is given, if anything.
  std::optional<Exception> take_for_wait() noexcept;
  /// A blocking loop asks what it has to raise: that, and what its callbacks have seen raised.
  std::optional<Exception> take_for_loop() noexcept;
  /// A blocking loop begins or ends: what has been raised so far concerns the code around it.
  void settle() noexcept;
  enum class [[nodiscard]] Again : std::uint8_t{kNotOurs, kYes};
  /// `exception` has been raised and got lost.
  Again again(Exception exception) noexcept;

 private:
  Asked ask_frame(Frame* target, std::uint64_t chain, Exception exception) noexcept;
  void hand_in(Frame& frame) noexcept;
  void notice() noexcept;
  void show() noexcept {
    state_.store(innermost_ != nullptr ? innermost_->state_ : State::kUntouched,
                 std::memory_order_release);
  }

  Thrower& thrower_;
  std::mutex mutex_;            // protects the following and the frames
  Frame* innermost_ = nullptr;  // changed by the thread itself only
  std::uint64_t last_ticket_ = 0;
  std::atomic<State> state_{State::kUntouched};  // for those who only want to know
};

// ---- frames

template <class Exception>
Interruption<Exception>::Frame::Frame(Interruption& owner, Work& work, std::uint64_t chain,
                                      Reach reach) noexcept
    : owner_(owner), work_(work), below_(owner.innermost_), chain_(chain), reach_(reach) {
  const std::lock_guard lock(owner.mutex_);
  // What was asked for just now is not meant for this work.
  owner.notice();
  if (below_ != nullptr && below_->state_ == State::kPending) {
    owner.thrower_.take_back();
    below_->state_ = State::kAsked;
  }
  ticket_ = Ticket{++owner.last_ticket_};
  owner.innermost_ = this;
  owner.show();
}

template <class Exception>
Interruption<Exception>::Frame::~Frame() {
  const std::lock_guard lock(owner_.mutex_);
  if (state_ == State::kPending) owner_.thrower_.take_back();
  owner_.innermost_ = below_;
  if (below_ != nullptr && below_->state_ == State::kAsked) owner_.hand_in(*below_);
  owner_.show();
}

// ---- asking

template <class Exception>
typename Interruption<Exception>::Asked Interruption<Exception>::ask(const Work& work,
                                                                     std::uint64_t chain,
                                                                     Exception exception) noexcept {
  const std::lock_guard lock(mutex_);
  Frame* frame = innermost_;
  while (frame != nullptr && (&frame->work_ != &work || frame->reach_ == Reach::kByThread)) {
    frame = frame->below_;
  }
  return ask_frame(frame, chain, exception);
}

template <class Exception>
typename Interruption<Exception>::Asked Interruption<Exception>::ask(Ticket ticket,
                                                                     Exception exception) noexcept {
  const std::lock_guard lock(mutex_);
  Frame* frame = innermost_;
  while (frame != nullptr && frame->ticket_ != ticket) frame = frame->below_;
  return ask_frame(frame, 0, exception);
}

template <class Exception>
typename Interruption<Exception>::Asked Interruption<Exception>::ask_innermost(
    Exception exception) noexcept {
  const std::lock_guard lock(mutex_);
  return ask_frame(innermost_, 0, exception);
}

template <class Exception>
typename Interruption<Exception>::Asked Interruption<Exception>::ask_frame(
    Frame* target, std::uint64_t chain, Exception exception) noexcept {
  if (target == nullptr) return Asked::kNotHere;
  const auto mark = [&](Frame& frame) {
    frame.state_ = State::kAsked;
    frame.exception_ = exception;
  };
  for (Frame* above = innermost_; above != target; above = above->below_) {
    if (chain != 0 && above->chain_ == chain) mark(*above);
  }
  mark(*target);
  if (innermost_->state_ != State::kAsked) return Asked::kLater;
  hand_in(*innermost_);
  show();
  return Asked::kNow;
}

template <class Exception>
void Interruption<Exception>::hand_in(Frame& frame) noexcept {
  frame.state_ = State::kPending;
  thrower_.hand_in(frame.exception_);
}

template <class Exception>
typename Interruption<Exception>::Ticket Interruption<Exception>::innermost() noexcept {
  const std::lock_guard lock(mutex_);
  const bool has_name = innermost_ != nullptr && innermost_->reach_ == Reach::kByName;
  return has_name ? innermost_->ticket_ : Ticket::kNone;
}

// ---- raising

/// The interpreter tells nobody when it raises what it was given: that shows at the next look.
template <class Exception>
void Interruption<Exception>::notice() noexcept {
  if (innermost_ == nullptr || innermost_->state_ != State::kPending) return;
  if (thrower_.has_raised()) innermost_->state_ = State::kRaised;
}

template <class Exception>
std::optional<Exception> Interruption<Exception>::take_for_wait() noexcept {
  if (state() != State::kPending) return std::nullopt;
  const std::lock_guard lock(mutex_);
  notice();
  const bool is_pending = innermost_->state_ == State::kPending;
  if (is_pending) {
    thrower_.take_back();
    innermost_->state_ = State::kRaised;
  }
  show();
  return is_pending ? std::optional(innermost_->exception_) : std::nullopt;
}

template <class Exception>
std::optional<Exception> Interruption<Exception>::take_for_loop() noexcept {
  if (state() != State::kPending && state() != State::kRaised) return std::nullopt;
  const std::lock_guard lock(mutex_);
  notice();
  if (innermost_->state_ == State::kPending) thrower_.take_back();
  innermost_->state_ = State::kSettled;
  show();
  return innermost_->exception_;
}

template <class Exception>
void Interruption<Exception>::settle() noexcept {
  const std::lock_guard lock(mutex_);
  notice();
  if (innermost_ != nullptr && innermost_->state_ == State::kRaised) {
    innermost_->state_ = State::kSettled;
  }
  show();
}

template <class Exception>
typename Interruption<Exception>::Again Interruption<Exception>::again(
    Exception exception) noexcept {
  const std::lock_guard lock(mutex_);
  if (innermost_ == nullptr || innermost_->state_ == State::kUntouched ||
      innermost_->exception_ != exception) {
    return Again::kNotOurs;
  }
  hand_in(*innermost_);
  show();
  return Again::kYes;
}

}  // namespace ep
