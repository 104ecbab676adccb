// EventLoop: the core of an ErlangEventLoop. It lives inside the Python object `_erlang.EventLoop`
// and dies with it.
//
// One tick: jobs of the inbox, I/O, due timers, then exactly the ready entries that were there when
// this run phase began; what they queue is left to the next tick (asyncio's order).
//
// Threads: the owning thread is whichever attached thread runs the loop now. Ready queue, timers
// and watchers belong to attached threads, the owner's as a rule; as in asyncio nothing but post(),
// wake() and call_soon_threadsafe() may be used from another thread. What unattached threads may
// do says so.
//
// User code that runs in a tick may raise, stop or close the loop, or re-enter it. So the tick
// holds no reference into its queues while calling out, and no lock.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <new>

#include "base/inbox.h"
#include "base/job.h"
#include "base/spin.h"
#include "base/thread_host.h"
#include "cpython/attach.h"
#include "cpython/ref.h"
#include "io/poller.h"
#include "io/ready_queue.h"
#include "io/timer_heap.h"
#include "loop/descriptor_watches.h"
#include "loop/io_callback.h"
#include "loop/ready_entry.h"
#include "loop/shared_context.h"
#include "loop/signal_pipe.h"

namespace ep::loop {

struct LoopTypes;

class EventLoop {
 public:
  /// Told instead of a sleeping thread when a hosted loop gets work.
  struct Notifier {
    /// Any thread, attached or not, with a lock of the loop's held: it must not wait, nor call
    /// back into the loop. May come when there is no work after all; the next comes only after
    /// tick(), has_work() or wait() has looked.
    virtual void notify() noexcept = 0;

   protected:
    ~Notifier() = default;
  };

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
  void wake() noexcept;
  /// For hosted loops. Null: wake the thread that waits in wait(). When it returns the previous
  /// notifier is not being called and never will be. A loop with a notifier is_running().
  void set_notifier(Notifier* notifier) noexcept;
  bool is_closed() const noexcept { return closed_.load(std::memory_order_acquire); }
  bool is_running() const noexcept { return running_thread() != 0 || hosted_.load(); }
  /// As PyThread_get_thread_ident(), 0 while no thread runs it.
  unsigned long running_thread() const noexcept { return running_thread_.load(); }

  // The owning thread, attached, for whoever hosts the loop. Surround ticks by a RunningScope
  // (running_scope.h).

  /// One iteration, without waiting. False: an exception that ends loops, SystemExit or
  /// KeyboardInterrupt as a rule, is set as Python error; the loop may be ticked again.
  bool tick(const Attached& py) { return tick(py, nullptr); }

  /// In a forked child (runtime/forked_child.h), attached: what a hosted loop had to do is the
  /// parent's to do. A blocking loop goes on, as asyncio's would.
  void forget_in_child(const Attached&) noexcept;
  /// Runs what is ready until nothing is; without I/O and timers. False: Python error set.
  bool run_all_ready(const Attached&);
  /// Something for a tick to do now? Later work is certain to notify() or wake.
  bool has_work() const noexcept;
  /// The earliest timer; kNever if there is none.
  Nanos next_deadline() const noexcept { return timers_.next(); }
  /// Readable when a watched descriptor is ready; -1 while none was ever watched. It may change
  /// in a tick; then the number changes, too, so that whoever has duplicated it can see that.
  int poll_fd() const noexcept { return poller_->descriptor(); }
  /// Sleeps until there is work, a job for this thread's host, a signal, or `until`. With `spin` it
  /// first looks for work for some microseconds, if that has been worth it lately.
  void wait(const Attached& py, Nanos until, bool spin = false);
  /// The first half of that alone. True: there is work, or `until` has come.
  bool spin(const Attached& py, Nanos until);

  // The owning thread: blocking loops.

  /// Ticks and waits until stop(), serving the jobs of the thread's host between callbacks. False:
  /// a Python error is set.
  bool run(const Attached& py);
  /// asyncio's _run_once(): waits for something to do, and does it.
  bool run_once(const Attached& py);
  void stop() noexcept { stopping_ = true; }
  bool stopping() const noexcept { return stopping_; }
  void set_stopping(bool stopping) noexcept { stopping_ = stopping; }

  // Attached: scheduling.

  /// Takes a reference to what is queued. False: no memory, Python error set.
  bool queue(const Attached& py, ReadyEntry entry) noexcept;
  /// The number of the ready entry that runs now; 0 if none does. Never the same again.
  std::uint64_t turn() const noexcept { return turn_; }
  /// More entries run right after this one, and such ones have taken some microseconds each lately.
  bool turns_follow_quickly() const noexcept { return left_in_phase_ > 0 && quick_turns_; }
  /// While one runs: `callback` runs as soon as that has ended or, while turns follow quickly,
  /// after a few of them, 100 µs later at most. For what is better done once than each time that it
  /// is asked for. As queue().
  bool queue_for_end_of_turn(const Attached& py, NativeCallback* callback) noexcept;
  /// From any attached thread; wakes the loop.
  bool queue_threadsafe(const Attached& py, Handle* handle) noexcept;
  /// Takes a reference to `timer`.
  bool queue_at(const Attached& py, TimerHandle* timer, Nanos deadline) noexcept;
  void cancel_timer(const Attached& py, TimerHandle* timer) noexcept;

  /// For those who wait until the callback of a thread-safe handle has ended: one has.
  void callback_ended() noexcept;
  /// Returns after the next callback_ended(), or now and then earlier.
  void wait_for_callback(const Attached& py) noexcept;

  io::Poller& poller() noexcept { return *poller_; }
  DescriptorWatches& descriptors() noexcept { return descriptors_; }
  SignalPipe& signals() noexcept { return signals_; }
  SharedContext& shared_context() noexcept { return shared_context_; }

  bool debug() const noexcept { return debug_; }
  void set_debug(bool debug) noexcept { debug_ = debug; }
  void set_running_thread(unsigned long thread) noexcept { running_thread_.store(thread); }

  /// Abandons jobs, drops handles, timers and watchers. Idempotent; not while it is running.
  void close(const Attached& py) noexcept;

  /// See loop/collector_hook.h.
  void track_handles(const Attached& py) noexcept;
  int traverse(visitproc visit, void* arg) const;
  /// Drops all Python references, as close() does, but leaves the loop open.
  void clear(const Attached& py) noexcept;

 private:
  void let_it_catch_up(const Attached& py) const noexcept;
  bool tick(const Attached& py, ThreadHost* host);
  void run_inbox(const Attached& py) noexcept;
  void poll_descriptors(const Attached& py) noexcept;
  bool queue_due_timers(const Attached& py) noexcept;
  bool run_ready(const Attached& py, ThreadHost* host);
  bool run_entry(const Attached& py, ReadyEntry entry);
  bool call(const Attached& py, ReadyEntry entry);
  bool end_turn(const Attached& py, bool ok);
  bool run_in_debug(const Attached& py, Handle* handle);
  bool serve_host(const Attached& py, ThreadHost* host);
  bool iterate(const Attached& py, ThreadHost* host);
  bool idle() const noexcept;
  bool look_for_work(Nanos deadline) const noexcept;
  bool spin_detached(ThreadHost* host, Nanos deadline);
  void sleep_detached(ThreadHost* host, Nanos deadline);
  void set_sleeper(Waker* waker) noexcept;

  PyObject* const self_;  // the object that contains this
  LoopTypes& types_;

  // Attached threads.
  io::ReadyQueue<ReadyEntry> ready_;        // owns a reference to each entry
  io::ReadyQueue<ReadyEntry> end_of_turn_;  // likewise
  io::TimerHeap timers_;                    // owns a reference to each TimerHandle
  std::unique_ptr<io::Poller> poller_;
  DescriptorWatches descriptors_;
  SignalPipe signals_;
  SharedContext shared_context_;
  AdaptiveSpin spin_;
  int ticks_without_poll_ = 0;
  std::uint64_t turn_ = 0;
  std::uint64_t last_turn_ = 0;
  std::size_t left_in_phase_ = 0;  // entries after the one that runs now
  bool quick_turns_ = false;       // of the last phase that had several
  Nanos waiting_since_ = 0;        // what is in end_of_turn_
  bool stopping_ = false;
  bool debug_ = false;

  // Any thread.
  Inbox inbox_;
  /// Set by who brings work, cleared by the owner before it looks for work. Only who sets it
  /// wakes, so that a burst costs one wake-up.
  mutable std::atomic<bool> poked_{false};
  std::atomic<bool> closed_{false};
  std::atomic<bool> hosted_{false};
  std::atomic<unsigned long> running_thread_{0};
  std::atomic<std::uint32_t> callbacks_ended_{0};  // changes while attached
  std::mutex wake_lock_;  // of the two below; nothing is called under it but notify() and wake()
  Notifier* notifier_ = nullptr;
  Waker* sleeper_ = nullptr;  // of the thread inside wait()

  Waker own_waker_;  // for threads without a host
};

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
