// RunningScope: for its duration a loop is the running loop of this thread, as run_forever() makes
// it: asyncio.get_running_loop(), the hooks of asynchronous generators, loop.is_running().
//
// For whoever calls EventLoop::tick(). Restores what was there before, so that scopes nest.
#pragma once

#include "cpython/attach.h"
#include "cpython/ref.h"
#include "loop/event_loop.h"

namespace ep::loop {

class RunningScope {
 public:
  RunningScope(const Attached& py, EventLoop& loop) noexcept;
  ~RunningScope();
  RunningScope(const RunningScope&) = delete;
  RunningScope& operator=(const RunningScope&) = delete;

  /// False: not entered, Python error set.
  bool entered() const noexcept { return entered_; }

 private:
  bool set_hooks() noexcept;

  EventLoop& loop_;
  PyRef keep_alive_;
  PyRef previous_loop_;
  PyRef previous_hooks_;
  unsigned long previous_thread_;
  bool entered_ = false;
};

/// The opposite, inside of one: no loop is running, so that foreign code may run one of its own.
class NotRunningScope {
 public:
  NotRunningScope(const Attached& py, EventLoop& loop) noexcept;
  ~NotRunningScope();
  NotRunningScope(const NotRunningScope&) = delete;
  NotRunningScope& operator=(const NotRunningScope&) = delete;

 private:
  EventLoop& loop_;
  PyRef previous_loop_;
  PyRef previous_hooks_;
};

}  // namespace ep::loop
