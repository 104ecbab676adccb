// DelayedJobs: jobs of one thread whose time has yet to come. One thread only.
#pragma once

#include "base/clock.h"
#include "base/job.h"
#include "io/timer_heap.h"

namespace ep {

class DelayedJobs {
 public:
  DelayedJobs() = default;
  /// Abandons what is left.
  ~DelayedJobs();
  DelayedJobs(const DelayedJobs&) = delete;
  DelayedJobs& operator=(const DelayedJobs&) = delete;

  /// Throws std::bad_alloc.
  void add(JobPtr job, Nanos time);
  /// When the next is due, or kNever.
  Nanos next() const noexcept { return timers_.next(); }
  /// The earliest, if it is due at `time`; or null.
  JobPtr take_due(Nanos time) noexcept;

 private:
  struct Delayed;

  io::TimerHeap timers_;  // owns its nodes
};

}  // namespace ep
