// AdaptiveSpin: look for work a little longer before sleeping, if that has paid off lately.
//
// Waking a sleeping thread costs some 20 µs, a spinning one 2 µs. The budget doubles when a spin
// finds work and halves when it does not; at zero, one wait in kProbeEvery tries the smallest
// budget again, so a node without traffic soon stops spinning altogether.
//
// On a busy machine the thread that would bring the work may be waiting for this very processor. So
// a spin offers it to others now and then, and once that has shown that somebody wants it, this
// thread sleeps instead of spinning for a while. One thread only.
#pragma once

#include <sched.h>

#include "base/clock.h"

namespace ep {

inline void cpu_relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class AdaptiveSpin {
 public:
  /// `max_budget` 0 switches spinning off.
  explicit AdaptiveSpin(Nanos max_budget = 50 * kMicrosecond) noexcept : max_(max_budget) {}

  /// True as soon as `found()` is; false when the budget is used up.
  template <class Found>
  bool operator()(Found&& found) {
    if (found()) return true;
    const Nanos budget = this_budget();
    if (budget == 0) return false;
    const Nanos until = now() + budget;
    for (;;) {
      for (int i = 0; i < kChecksPerYield; ++i) {
        if (found()) {
          grow();
          return true;
        }
        cpu_relax();
      }
      const Nanos before = now();
      if (before >= until) break;
      sched_yield();
      const Nanos away = now() - before;
      if (away <= kSwitchedAway) continue;
      if (away < max_ && found()) {  // it was the one who brings the work
        grow();
        return true;
      }
      in_the_way_ = kWaitsWithoutSpinning;
      break;
    }
    budget_ = budget_ > kMinBudget ? budget_ / 2 : 0;
    return found();
  }

  /// The wait that followed an unsuccessful spin was this short: spinning would have caught it.
  void slept_for(Nanos duration) noexcept {
    if (duration < max_) grow();
  }

 private:
  static constexpr Nanos kMinBudget = 4 * kMicrosecond;
  static constexpr int kProbeEvery = 32;
  static constexpr int kChecksPerYield = 16;
  static constexpr Nanos kSwitchedAway = 4 * kMicrosecond;
  static constexpr int kWaitsWithoutSpinning = 64;

  Nanos this_budget() noexcept {
    if (max_ == 0) return 0;
    if (in_the_way_ > 0) {
      --in_the_way_;
      return 0;
    }
    if (budget_ > 0) return budget_;
    if (++skipped_ < kProbeEvery) return 0;
    skipped_ = 0;
    return kMinBudget;
  }

  void grow() noexcept {
    budget_ = budget_ == 0 ? kMinBudget : budget_ * 2;
    if (budget_ > max_) budget_ = max_;
  }

  Nanos max_;
  Nanos budget_ = 0;
  int skipped_ = 0;
  int in_the_way_ = 0;  // waits left in which not to spin
};

}  // namespace ep
