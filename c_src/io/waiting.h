// Waiting: how a loop learns that there is something to do: descriptors that are ready, a ring, or
// jobs of the thread that it runs on. It asks, spins, and sleeps.
//
// No runtime. The loop's thread, but for doorbell(); spin() and sleep() are meant for a thread that
// has given up its interpreter, and touch nothing that others may change meanwhile.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/spin.h"
#include "base/thread_host.h"
#include "base/waker.h"
#include "io/doorbell.h"
#include "io/poller.h"

namespace ep::io {

class Waiting {
 public:
  /// Throws std::system_error without descriptors.
  explicit Waiting(Nanos max_spin) : poller_(new_poller()), spin_(max_spin) {}

  Poller& poller() noexcept { return *poller_; }
  const Poller& poller() const noexcept { return *poller_; }
  /// Any thread.
  Doorbell& doorbell() noexcept { return doorbell_; }
  const Doorbell& doorbell() const noexcept { return doorbell_; }

  /// For each tick: asks the poller, unless that has been done, or nothing is worth it. True: it
  /// has something to give out.
  bool poll() {
    if (poller_->collected()) return true;
    if (poller_->watched() == 0 && ++ticks_without_poll_ < kTicksWithoutPoll) return false;
    ticks_without_poll_ = 0;
    poller_->collect_now();
    return poller_->collected();
  }

  // `host`: the thread's, or null. Both end when there is a ring or a job for it, when a descriptor
  // is ready, and at the `deadline`.

  /// For some microseconds, if that has been worth it lately. True: it has ended for such a reason.
  bool spin(const ThreadHost* host, Nanos deadline);
  /// Or now and then earlier, for a signal say.
  void sleep(ThreadHost* host, Nanos deadline);

 private:
  /// While only the loop's own descriptors are watched, a system call in each tick would buy
  /// nothing.
  static constexpr int kTicksWithoutPoll = 32;

  const std::unique_ptr<Poller> poller_;
  int ticks_without_poll_ = 0;
  AdaptiveSpin spin_;
  Waker own_waker_;  // for threads without a host
  Doorbell doorbell_;
};

}  // namespace ep::io
