// Schedule: what a loop is going to run, and when: the ready entries, in order; what is left to the
// end of a turn; the timers. It owns a reference to each.
//
// The loop's thread, but for queue(): any attached thread may do that, which excludes the others.
// (A free-threaded build will have to post a Job instead.)
#pragma once

#include <cstddef>

#include "base/clock.h"
#include "cpython/attach.h"
#include "cpython/ref.h"
#include "io/ready_queue.h"
#include "io/timer_heap.h"
#include "io/turns.h"
#include "loop/handle.h"
#include "loop/on_loop.h"
#include "loop/ready_entry.h"

namespace ep::loop {

class Schedule {
 public:
  // False: no memory, Python error set. What is done then is nothing.
  bool queue(const Attached& py, ReadyEntry entry) noexcept { return push(py, ready_, entry); }
  bool queue_for_end_of_turn(const OnLoop& py, NativeCallback* callback) noexcept;
  bool queue_at(const OnLoop& py, TimerHandle* timer, Nanos deadline) noexcept;
  bool queue_due_timers(const OnLoop& py) noexcept;
  void cancel_timer(const OnLoop& py, TimerHandle* timer) noexcept;

  /// How many are ready.
  std::size_t ready() const noexcept { return ready_.size(); }
  /// The earliest timer; kNever if there is none.
  Nanos next_deadline() const noexcept { return timers_.next(); }

  // The references are the caller's.
  ReadyEntry take_ready(const OnLoop&) noexcept { return ready_.pop(); }
  bool has_end_of_turn() const noexcept { return !end_of_turn_.empty(); }
  ReadyEntry take_end_of_turn(const OnLoop&) noexcept { return end_of_turn_.pop(); }

  io::Turns& turns() noexcept { return turns_; }
  const io::Turns& turns() const noexcept { return turns_; }

  void clear(const OnLoop& py) noexcept;
  /// In a forked child: what was to be run is the parent's to run. What the entries own is not
  /// dropped: finalizers are code, too.
  void forget_ready() noexcept;

  /// See loop/collector_hook.h.
  void track_handles(const Attached& py) noexcept;
  int traverse(visitproc visit, void* arg) const;

 private:
  using Queue = io::ReadyQueue<ReadyEntry>;

  static bool push(const Attached&, Queue& queue, ReadyEntry entry) noexcept;

  Queue ready_;
  Queue end_of_turn_;
  io::TimerHeap timers_;
  io::Turns turns_;
};

/// For the owner of a reference to what was scheduled: it has no more use for it.
void let_go(ReadyEntry entry) noexcept;

}  // namespace ep::loop
