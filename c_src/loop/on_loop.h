// Being on a loop's thread, as evidence: what `Attached` is to an interpreter's objects, this is to
// a loop's queues, timers, poller and watches, and to what only its callbacks touch.
//
// Every function that touches such takes `const OnLoop&` in place of `const Attached&`. It lives on
// the stack, and is never stored. One is made by the EventLoop itself, for all that it calls; by
// loop_slot() (loop/loop_slot.h), where Python code calls a method that asyncio's contract binds to
// the loop's thread; and by while_dying().
#pragma once

#include "cpython/attach.h"

namespace ep::loop {

class EventLoop;

class OnLoop final : public Attached {
 public:
  EventLoop& loop() const noexcept { return loop_; }

  /// For what is left of an object of the loop's that dies: nobody else has it, so no thread but
  /// this is at it. The loop is not over: the object has a reference.
  static OnLoop while_dying(const Dying&, EventLoop& loop) noexcept { return OnLoop(loop); }

 private:
  friend class EventLoop;
  template <class Body>
  friend auto loop_slot(EventLoop& loop, Body&& body) noexcept;

  explicit OnLoop(EventLoop& loop) noexcept;  // in event_loop.h

  EventLoop& loop_;
};

}  // namespace ep::loop
