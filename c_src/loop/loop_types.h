// LoopTypes: this layer's part of a module's state: its types, and what they need of asyncio.
//
// One for each interpreter, owned by its `_erlang` module, which the types keep alive.
#pragma once

#include <unordered_set>

#include "cpython/attach.h"
#include "cpython/interpreter.h"
#include "cpython/ref.h"
#include "loop/handle.h"

namespace ep::loop {

/// The parts of the standard library that C++ code calls.
struct AsyncioParts {
  PyRef format_callback_source;  // asyncio.format_helpers
  bool format_takes_debug = false;
  PyRef extract_stack;
  PyRef get_running_loop;  // asyncio.events._get_running_loop: None instead of an exception
  PyRef set_running_loop;
  PyRef get_asyncgen_hooks;  // sys
  PyRef set_asyncgen_hooks;
  PyRef no_hooks;           // (None, None), as a thread has them at first
  PyRef swap_current_task;  // null before Python 3.12
  PyRef tasks;              // the modules: users replace Task and Future in them
  PyRef futures;
  PyRef base_create_task;  // asyncio.BaseEventLoop.create_task
  PyRef handle;            // asyncio.Handle
  PyRef timer_handle;
  PyRef threadsafe_handle;  // null before Python 3.14
};

struct LoopTypes final : InterpreterPart {
  explicit LoopTypes(Interpreter& of) noexcept : interpreter(of) {}

  Interpreter& interpreter;
  Internals internals;
  PyRef event_loop;
  PyRef handle;
  PyRef timer_handle;
  HandleFreeList free_handles;
  HandleFreeList free_timer_handles;
  std::unordered_set<EventLoop*> loops;  // all that there are; attached
  AsyncioParts asyncio;                  // empty until the first loop
  Nanos max_spin = 50 * kMicrosecond;    // of a loop before it sleeps; 0: never
  PyRef str_context;
  PyRef names_loop;  // ("loop",): the keyword of a call

  PyTypeObject* handle_type() const noexcept {
    return reinterpret_cast<PyTypeObject*>(handle.get());
  }
  PyTypeObject* timer_handle_type() const noexcept {
    return reinterpret_cast<PyTypeObject*>(timer_handle.get());
  }

  /// Imports asyncio, if that has not been done. False: Python error set.
  bool import_asyncio(const Attached& py);

  int traverse(visitproc visit, void* arg) const override;
};

}  // namespace ep::loop
