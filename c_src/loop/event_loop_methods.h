// The methods of `_erlang.EventLoop` by subject; event_loop_type.cc puts the type together.
#pragma once

#include "cpython/attach.h"
#include "cpython/ref.h"
#include "loop/event_loop.h"

namespace ep::loop {

/// Ends with a null entry, as PyMethodDef tables do.
extern PyMethodDef call_methods[];        // call_soon, call_later …
extern PyMethodDef descriptor_methods[];  // add_reader …
extern PyMethodDef create_methods[];      // create_task, create_future

/// Null: Python error set.
PyRef new_event_loop_type(const Attached& py, PyObject* module) noexcept;

/// False, and RuntimeError set, if the loop is closed.
bool check_open(const Attached& py, const EventLoop& loop) noexcept;

}  // namespace ep::loop
