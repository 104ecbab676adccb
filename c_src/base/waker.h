// Waker: how other threads make one thread look at its mailboxes again, without a system call
// unless that thread is really asleep.
//
// The sleeping thread:   arm(fd); if (nothing to do) <block until fd is readable>; disarm(fd);
// Any thread:            <post something>; wake();
//
// `fd` is an eventfd of the caller's, part of whatever the thread blocks in. Invariant: a written
// eventfd is read again by the very disarm() that ends the same armed period, so an eventfd is
// never readable, and never written, outside its armed period; it may be closed at any other time.
#pragma once

#include <atomic>

namespace ep {

class Waker {
 public:
  Waker() = default;
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  /// Any thread, after publishing the work. Costs one atomic load when the thread is awake.
  void wake() noexcept;

  /// Owning thread only. After arming, look again for work before blocking.
  void arm(int eventfd) noexcept { armed_.store(eventfd, std::memory_order_seq_cst); }

  /// Owning thread only. Takes back a wake-up that is on its way.
  void disarm(int eventfd) noexcept;

 private:
  static constexpr int kAwake = -1;
  std::atomic<int> armed_{kAwake};
};

/// A new non-blocking, close-on-exec eventfd. Throws std::system_error.
int new_eventfd();

}  // namespace ep
