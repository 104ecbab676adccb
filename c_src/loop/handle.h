// Handle and TimerHandle: a Python callback that a loop will call, as asyncio.Handle and
// asyncio.TimerHandle. What call_soon() and its siblings return; the ready queue, the timer heap
// and the descriptor watches hold them.
//
// Attached threads only. A Handle refers to its loop; both take part in garbage collection. But the
// collector need not go through 50,000 timers again and again: as long as nobody but a queue of its
// loop has a handle, the loop shows the collector what the handle refers to. It becomes an object
// of the collector's own when it leaves the queue and somebody has it (track()), or when a full
// collection begins (loop/collector_hook.h), for the loop may be garbage.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "cpython/attach.h"
#include "cpython/ref.h"
#include "io/crowd.h"
#include "io/timer_heap.h"

namespace ep::loop {

class EventLoop;
struct LoopTypes;

/// The rarely used rest of a Handle.
struct HandleDebug {
  PyRef source_traceback;  // null: not created in debug mode
  PyRef repr;              // kept when it was cancelled in debug mode
};

struct Handle {
  static constexpr int kInlineArgs = 3;

  // clang-format off
  PyObject_HEAD
  PyObject* loop;
  // clang-format on
  PyObject* callback;  // null once it is cancelled
  PyObject* context;   // see own_context()
  PyObject* weakrefs;
  HandleDebug* debug;  // owned, may be null
  Py_ssize_t nargs;
  /// The first is free for the callee (PY_VECTORCALL_ARGUMENTS_OFFSET), then the arguments; or, if
  /// there are more than kInlineArgs, a tuple of them.
  PyObject* args[1 + kInlineArgs];
  bool tracked;         // by the garbage collector
  bool shares_context;  // the context is perhaps others', too
  bool cancelled;
  bool running;     // cancelling then leaves dropping callback and arguments to run_handle()
  bool threadsafe;  // of call_soon_threadsafe(), from Python 3.14 on: see wait_for_callback()
  bool from_crowd;  // see HandleFreeList

  EventLoop& core() const noexcept;
  PyObject* object() noexcept { return reinterpret_cast<PyObject*>(this); }
};

struct TimerHandle {
  Handle base;
  io::TimerNode node;
  double when;  // seconds, as given by the user or loop.time() + delay
  bool scheduled;

  static TimerHandle* of(io::TimerNode* node) noexcept {
    return reinterpret_cast<TimerHandle*>(reinterpret_cast<char*>(node) -
                                          offsetof(TimerHandle, node));
  }
  PyObject* object() noexcept { return reinterpret_cast<PyObject*>(this); }
};

/// `context` may be null: the current one is copied. Null: Python error set.
Handle* new_handle(const Attached& py, EventLoop& loop, PyObject* callback, PyObject* const* args,
                   Py_ssize_t nargs, PyObject* context) noexcept;
TimerHandle* new_timer_handle(const Attached& py, EventLoop& loop, double when, PyObject* callback,
                              PyObject* const* args, Py_ssize_t nargs, PyObject* context) noexcept;

/// Collections are incremental there, or of other threads.
inline constexpr bool kTrackedFromBirth = kFreeThreaded || PY_VERSION_HEX >= 0x030E0000;

/// Makes it the garbage collector's, if it is not.
void track(Handle* handle) noexcept;
/// The owner of a reference has no more use for it; somebody else may.
void let_go(Handle* handle) noexcept;
/// For the traverse() of a loop, with what its queues own.
int traverse_queued(Handle* handle, visitproc visit, void* arg);

/// The context that the callback runs in, which nobody else does. Borrowed; null: Python error set.
PyObject* own_context(const Attached& py, Handle* handle) noexcept;

/// Calls the callback in its context, unless cancelled; reports what it raises to the loop's
/// exception handler. False: an exception that nothing may stop is set (SystemExit,
/// KeyboardInterrupt, and what an exception handler itself let through). The caller holds a
/// reference to `handle`.
bool run_handle(const Attached& py, Handle* handle) noexcept;

/// In another thread than the loop's: returns when the callback, if it runs, has ended.
void wait_for_callback(const Attached& py, Handle* handle) noexcept;

void cancel_handle(const Attached& py, Handle* handle) noexcept;

/// Memory of dead handles, to be used again: allocation is most of the cost of call_soon(). What
/// was made while there was a crowd of handles is kept no longer than that: see io::Crowd. Guarded
/// by being attached, hence not used where that excludes no other thread.
class HandleFreeList {
 public:
  HandleFreeList() = default;
  HandleFreeList(const HandleFreeList&) = delete;
  HandleFreeList& operator=(const HandleFreeList&) = delete;
  ~HandleFreeList() { close(); }

  /// An untracked Handle of `type` with a reference, its other fields but from_crowd undefined;
  /// null: no memory.
  PyObject* take(PyTypeObject* type) noexcept;
  /// `handle` is dead and untracked.
  void give(Handle* handle) noexcept;
  /// Frees the memory, for which the types must still be there, and keeps no more.
  void close() noexcept;

 private:
  void free(PyObject* memory) noexcept;
  void free_all() noexcept;
  void give_unusual(Handle* handle) noexcept;

  static constexpr int kCapacity = 512;
  PyObject* items_[kCapacity];
  int count_ = 0;
  io::Crowd crowd_;
  bool open_ = !kFreeThreaded;
};

// The types. Null: Python error set. TimerHandle's base is Handle.
PyRef new_handle_type(const Attached& py, PyObject* module) noexcept;
PyRef new_timer_handle_type(const Attached& py, PyObject* module, PyObject* handle_type) noexcept;

}  // namespace ep::loop
