// Which loop runs on a thread, as far as asyncio knows: asyncio.get_running_loop(), the current
// task, and the hooks of asynchronous generators. NoLoopScope: none, for the scope's duration.
// RunningScope: this one. What was there before is put back, so that scopes nest.
//
// The thread's own business: attached, and no thread looks at another's.
#pragma once

#include "cpython/attach.h"
#include "cpython/ref.h"
#include "loop/event_loop.h"

namespace ep::loop {

struct AsyncioParts;

/// For code that is not inside of the loop that happens to run below it on the thread's stack: it
/// may run one of its own. Jobs of a host between two callbacks are such, and calls that come in
/// while other code waits for Erlang.
class NoLoopScope {
 public:
  explicit NoLoopScope(const Attached& py) noexcept;
  ~NoLoopScope();
  NoLoopScope(const NoLoopScope&) = delete;
  NoLoopScope& operator=(const NoLoopScope&) = delete;

  /// False: not entered, Python error set.
  bool entered() const noexcept { return entered_; }

 private:
  friend class RunningScope;

  bool hide() noexcept;
  bool put_back() noexcept;
  PyRef swap_task(PyObject* task) const noexcept;

  const AsyncioParts* asyncio_ = nullptr;  // as all below, null until it is known
  PyRef loop_;
  PyRef task_;
  PyRef hooks_;
  bool entered_ = false;
};

/// As run_forever() makes a loop the running one. For whoever calls EventLoop::tick().
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
  NoLoopScope before_;
  unsigned long previous_thread_;
  bool entered_ = false;
};

}  // namespace ep::loop
