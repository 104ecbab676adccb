// Doorbell: how whoever brings a loop work makes it look, wherever it waits: in a thread's sleep,
// or nowhere, because somebody else has to be told to run it.
//
//   any thread:    <post something>; ring();
//   the loop's:    look(); if (nothing to do) sleep_unless_rung(…);
//
// ring() is remembered until the next look(), so that a burst of work costs one wake-up, and so
// that a sleep does not begin after it. No runtime.
#pragma once

#include <atomic>
#include <mutex>
#include <utility>

#include "base/waker.h"

namespace ep::io {

/// Told instead of a sleeping thread when a loop that somebody hosts gets work.
struct Notifier {
  /// Any thread, attached or not, with a lock of the loop's held: it must not wait, nor call back
  /// into the loop. May come when there is no work after all; the next comes only after the loop
  /// has looked.
  virtual void notify() noexcept = 0;

 protected:
  ~Notifier() = default;
};

class Doorbell {
 public:
  Doorbell() = default;
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  // Any thread.

  void ring() noexcept {
    if (rung_.exchange(true, std::memory_order_seq_cst)) return;
    const std::lock_guard lock(lock_);
    if (notifier_ != nullptr) {
      notifier_->notify();
    } else if (sleeper_ != nullptr) {
      sleeper_->wake();
    }
  }
  /// Null: wake the thread that sleeps. When it returns, the previous one is not being called and
  /// never will be.
  void set_notifier(Notifier* notifier) noexcept {
    const std::lock_guard lock(lock_);
    notifier_ = notifier;
    has_notifier_.store(notifier != nullptr);
  }
  bool has_notifier() const noexcept { return has_notifier_.load(); }

  // The loop's thread.

  /// Before looking for work: what comes from now on rings.
  void look() noexcept { rung_.store(false, std::memory_order_seq_cst); }
  /// Since then? Cheap enough to spin on.
  bool rung() const noexcept { return rung_.load(std::memory_order_relaxed); }

  /// `sleep()` blocks until `wake_descriptor`, an eventfd, is readable, or less. It is not called
  /// if it has rung since look(), or if `something_else()` has come; both are asked when a
  /// ring, or what wakes `waker` otherwise, is sure to end the sleep.
  template <class Ask, class Sleep>
  void sleep_unless_rung(Waker& waker, int wake_descriptor, Ask something_else, Sleep sleep) {
    waker.arm(wake_descriptor);
    set_sleeper(&waker);
    if (!rung_.load(std::memory_order_seq_cst) && !something_else()) sleep();
    set_sleeper(nullptr);
    waker.disarm(wake_descriptor);
  }

 private:
  void set_sleeper(Waker* waker) noexcept {
    const std::lock_guard lock(lock_);
    sleeper_ = waker;
  }

  // Only who sets it wakes.
  std::atomic<bool> rung_{false};
  std::atomic<bool> has_notifier_{false};  // for those who only want to know
  std::mutex lock_;                        // of the two below; held while they are called
  Notifier* notifier_ = nullptr;
  Waker* sleeper_ = nullptr;
};

}  // namespace ep::io
