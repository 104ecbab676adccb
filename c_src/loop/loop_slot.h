// Where Python code calls what asyncio lets only the loop's own thread call: methods of the loop
// other than call_soon_threadsafe(), of its handles, and of its transports.
//
//   return loop_slot(*EventLoop::of(self), [&](const OnLoop& py) -> PyRef { ... });
//
// That it is this thread is asyncio's contract with the caller, checked where asyncio checks it: by
// call_soon() and its siblings in debug mode. While no thread runs the loop, any may call; and
// whoever breaks the contract still has the interpreter's lock, where there is one.
#pragma once

#include <utility>

#include "cpython/slot.h"
#include "loop/event_loop.h"
#include "loop/on_loop.h"

namespace ep::loop {

/// As slot().
template <class Body>
auto loop_slot(EventLoop& loop, Body&& body) noexcept {
  return foreign_slot([&] { return body(OnLoop(loop)); });
}

}  // namespace ep::loop
