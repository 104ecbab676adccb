// EventLoop: the core of an ErlangEventLoop. It lives inside the Python object `_erlang.EventLoop`
// and dies with it.
//
// One tick: jobs of the inbox, I/O, due timers, then exactly the ready entries that were there when
// this run phase began; what they queue is left to the next tick (asyncio's order).
//
// Threads: the loop's own is whichever attached thread runs the loop now; what only it may touch
// wants an OnLoop (on_loop.h). As in asyncio nothing but post(), wake() and call_soon_threadsafe()
// may be used from another thread. What unattached threads may do says so.
//
// User code that runs in a tick may raise, stop or close the loop, or re-enter it. So the tick
// holds no reference into its queues while calling out, and no lock.
#pragma once

#include <atomic>
#include <new>

#include "base/inbox.h"
#include "base/job.h"
#include "base/thread_host.h"
#include "cpython/attach.h"
#include "cpython/ref.h"
#include "io/poller.h"
#include "io/waiting.h"
#include "loop/descriptor_watches.h"
#include "loop/io_callback.h"
#include "loop/loop_types.h"
#include "loop/on_loop.h"
#include "loop/ready_entry.h"
#include "loop/schedule.h"
#include "loop/shared_context.h"
#include "loop/signal_pipe.h"

namespace ep::loop {

class EventLoop {
 public:
  using Notifier = io::Notifier;

  EventLoop(PyObject* self, LoopTypes& types);  // throws std::system_error without descriptors
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// The core of a loop object, as long as that lives; null if it is none of ours.
  static EventLoop* from(PyObject* loop) noexcept;
  /// The same for what is known to be ours.
  static EventLoop* of(PyObject* loop) noexcept;
  PyObject* object() const noexcept { return self_; }
  LoopTypes& types() const noexcept { return types_; }

  // Any thread, attached or not.

  /// Runs `job` in one of the next ticks. Null, or the job, given back: the loop has closed.
  [[nodiscard]] JobPtr post(JobPtr job) noexcept;
  /// Makes the loop look for work.
  void wake() noexcept { waiting_.doorbell().ring(); }
  /// For hosted loops. Null: wake the thread that waits in wait(). When it returns the previous
  /// notifier is not being called and never will be. A loop with a notifier is_running(), and is
  /// notified again only after tick(), has_work() or wait() has looked.
  void set_notifier(Notifier* notifier) noexcept { waiting_.doorbell().set_notifier(notifier); }
  bool is_closed() const noexcept { return closed_.load(std::memory_order_acquire); }
  bool is_running() const noexcept { return running_thread() != 0 || is_hosted(); }
  /// As PyThread_get_thread_ident(), 0 while no thread runs it.
  unsigned long running_thread() const noexcept { return running_thread_.load(); }

  // For whoever hosts the loop: its thread is the loop's while he does. Surround ticks by a
  // RunningScope (running_scope.h).

  /// One iteration, without waiting. False: an exception that ends loops, SystemExit or
  /// KeyboardInterrupt as a rule, is set as Python error; the loop may be ticked again.
  bool tick(const Attached&) { return tick(OnLoop(*this), nullptr); }

  /// In a forked child (runtime/forked_child.h), attached: what a hosted loop had to do is the
  /// parent's to do. A blocking loop goes on, as asyncio's would.
  void forget_in_child(const Attached&) noexcept;
  /// Runs what is ready until nothing is; without I/O and timers. False: Python error set.
  bool run_all_ready(const Attached&);
  /// Something for a tick to do now? Later work is certain to notify() or wake.
  bool has_work() noexcept;
  /// The earliest timer; kNever if there is none.
  Nanos next_deadline() const noexcept { return schedule_.next_deadline(); }
  /// Readable when a watched descriptor is ready; -1 while none was ever watched. It may change
  /// in a tick; then the number changes, too, so that whoever has duplicated it can see that.
  int poll_fd() const noexcept { return waiting_.poller().descriptor(); }
  /// Sleeps until there is work, a job for this thread's host, a signal, or `until`. With `spin` it
  /// first looks for work for some microseconds, if that has been worth it lately.
  void wait(const Attached& py, Nanos until, bool spin = false);
  /// The first half of that alone. True: there is work, or `until` has come.
  bool spin(const Attached& py, Nanos until);

  // Blocking loops.

  /// Ticks and waits until stop(), serving the jobs of the thread's host between callbacks. False:
  /// a Python error is set.
  bool run(const OnLoop& py);
  /// asyncio's _run_once(): waits for something to do, and does it.
  bool run_once(const OnLoop& py);
  void stop() noexcept { stopping_ = true; }
  bool stopping() const noexcept { return stopping_; }
  void set_stopping(bool stopping) noexcept { stopping_ = stopping; }

  // Scheduling.

  /// Takes a reference to what is queued. False: no memory, Python error set.
  bool queue(const OnLoop& py, ReadyEntry entry) noexcept { return schedule_.queue(py, entry); }
  /// The number of the ready entry that runs now; 0 if none does. Never the same again.
  std::uint64_t turn(const OnLoop&) const noexcept { return schedule_.turns().current(); }
  /// More entries run right after this one, and such ones have taken some microseconds each lately.
  bool turns_follow_quickly(const OnLoop&) const noexcept {
    return schedule_.turns().follow_quickly();
  }
  /// While one runs: `callback` runs as soon as that has ended or, while turns follow quickly,
  /// after a few of them, 100 µs later at most. For what is better done once than each time that it
  /// is asked for. As queue().
  bool queue_for_end_of_turn(const OnLoop& py, NativeCallback* callback) noexcept {
    return schedule_.queue_for_end_of_turn(py, callback);
  }
  /// From any attached thread; wakes the loop.
  bool queue_threadsafe(const Attached& py, Handle* handle) noexcept;
  /// Takes a reference to `timer`.
  bool queue_at(const OnLoop& py, TimerHandle* timer, Nanos deadline) noexcept {
    return schedule_.queue_at(py, timer, deadline);
  }
  void cancel_timer(const OnLoop& py, TimerHandle* timer) noexcept {
    schedule_.cancel_timer(py, timer);
  }

  // Any attached thread.

  /// For those who wait until the callback of a thread-safe handle has ended: one has.
  void callback_ended() noexcept;
  /// Returns after the next callback_ended(), or now and then earlier.
  void wait_for_callback(const Attached& py) noexcept;

  io::Poller& poller(const OnLoop&) noexcept { return waiting_.poller(); }
  DescriptorWatches& descriptors(const OnLoop&) noexcept { return descriptors_; }
  SignalPipe& signals(const OnLoop&) noexcept { return signals_; }
  /// Attached.
  SharedContext& shared_context() noexcept { return shared_context_; }

  bool debug() const noexcept { return debug_; }
  void set_debug(bool debug) noexcept { debug_ = debug; }
  void set_running_thread(unsigned long thread) noexcept { running_thread_.store(thread); }

  /// Abandons jobs, drops handles, timers and watchers. Idempotent; not while it is running.
  void close(const OnLoop& py) noexcept;

  /// See loop/collector_hook.h.
  void track_handles(const Attached& py) noexcept { schedule_.track_handles(py); }
  int traverse(visitproc visit, void* arg) const;
  /// Drops all Python references, as close() does, but leaves the loop open.
  void clear(const OnLoop& py) noexcept;

 private:
  bool is_hosted() const noexcept { return waiting_.doorbell().has_notifier(); }
  void let_it_catch_up(const Attached& py) const noexcept;
  bool tick(const OnLoop& py, ThreadHost* host);
  void run_inbox(const OnLoop& py) noexcept;
  void poll_descriptors(const OnLoop& py) noexcept;
  bool run_ready(const OnLoop& py, ThreadHost* host);
  bool run_entry(const OnLoop& py, ReadyEntry entry);
  bool call(const OnLoop& py, ReadyEntry entry);
  bool end_turn(const OnLoop& py, bool ok);
  bool run_in_debug(const OnLoop& py, Handle* handle);
  bool serve_host(const OnLoop& py, ThreadHost* host);
  bool iterate(const OnLoop& py, ThreadHost* host);
  bool idle() const noexcept;
  bool look_for_work(Nanos deadline) noexcept;

  PyObject* const self_;  // the object that contains this
  LoopTypes& types_;

  // The loop's thread; what other attached threads may do in them, they say.
  Schedule schedule_;
  io::Waiting waiting_;
  DescriptorWatches descriptors_;
  SignalPipe signals_;
  SharedContext shared_context_;  // attached threads
  bool stopping_ = false;         // likewise
  bool debug_ = false;            // likewise

  // Any thread; atomic.
  Inbox inbox_;
  std::atomic<bool> closed_{false};
  std::atomic<unsigned long> running_thread_{0};
  std::atomic<std::uint32_t> callbacks_ended_{0};  // changes while attached
};

inline OnLoop::OnLoop(EventLoop& loop) noexcept : Attached(loop.types().interpreter), loop_(loop) {}

/// The Python object; sub-classes may append to it.
struct EventLoopObject {
  // clang-format off
  PyObject_HEAD
  PyObject* weakrefs;
  // clang-format on
  PyObject* task_factory;  // null or None: the default
  alignas(EventLoop) char core[sizeof(EventLoop)];
};

inline EventLoop* EventLoop::of(PyObject* loop) noexcept {
  return std::launder(reinterpret_cast<EventLoop*>(reinterpret_cast<EventLoopObject*>(loop)->core));
}

}  // namespace ep::loop
