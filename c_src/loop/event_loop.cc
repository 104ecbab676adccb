#include "loop/event_loop.h"

#include <time.h>

#include <algorithm>
#include <optional>

#include "base/scope_guard.h"
#include "cpython/error.h"
#include "cpython/slot.h"
#include "io/precise_wait.h"
#include "loop/loop_types.h"
#include "loop/running_scope.h"

namespace ep::loop {
namespace {

/// While only the loop's own descriptors are watched, a system call in each tick would buy nothing.
constexpr int kTicksWithoutPoll = 32;

/// A flood of jobs takes turns with what the jobs start: I/O isn't starved, and tasks that end soon
/// don't pile up (50,000 at once cost twice as much, most of it in Python's garbage collector).
constexpr int kJobsPerTick = 64;

/// What is left for the end of a turn may wait for the turns after it while these are as short as
/// that, but no longer than this. So a reply is never late for the sake of code that computes.
constexpr Nanos kQuickTurn = 50 * kMicrosecond;
constexpr Nanos kLongestDelay = 100 * kMicrosecond;

/// So many entries in the queue are a flood, if other threads make them.
constexpr std::size_t kFlood = 4096;

bool push(const Attached&, io::ReadyQueue<ReadyEntry>& queue, ReadyEntry entry) noexcept {
  try {
    queue.push(entry);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
    return false;
  }
  Py_INCREF(entry.owner());
  return true;
}

/// Its owner has no more use for it.
void let_go(ReadyEntry entry) noexcept {
  if (entry.is_native()) {
    Py_DECREF(entry.owner());
  } else {
    let_go(entry.handle());
  }
}

void drop(io::ReadyQueue<ReadyEntry> queue) noexcept {
  while (!queue.empty()) let_go(queue.pop());
}

}  // namespace

EventLoop::EventLoop(PyObject* self, LoopTypes& types)
    : self_(self),
      types_(types),
      poller_(io::new_poller()),
      descriptors_(*this),
      signals_(*this),
      shared_context_(types.internals.context_variables),
      spin_(types.max_spin) {
  types_.loops.insert(this);
}

EventLoop::~EventLoop() {
  types_.loops.erase(this);
  close(Dying(self_));
}

// What other threads do.

JobPtr EventLoop::post(JobPtr job) noexcept {
  JobPtr refused = inbox_.post(std::move(job));
  if (!refused) wake();
  return refused;
}

void EventLoop::wake() noexcept {
  if (poked_.exchange(true, std::memory_order_seq_cst)) return;
  const std::lock_guard lock(wake_lock_);
  if (notifier_ != nullptr) {
    notifier_->notify();
  } else if (sleeper_ != nullptr) {
    sleeper_->wake();
  }
}

void EventLoop::set_notifier(Notifier* notifier) noexcept {
  const std::lock_guard lock(wake_lock_);
  notifier_ = notifier;
  hosted_.store(notifier != nullptr);
}

void EventLoop::set_sleeper(Waker* waker) noexcept {
  const std::lock_guard lock(wake_lock_);
  sleeper_ = waker;
}

// Scheduling.

bool EventLoop::queue(const Attached& py, ReadyEntry entry) noexcept {
  return push(py, ready_, entry);
}

bool EventLoop::queue_for_end_of_turn(const Attached& py, NativeCallback* callback) noexcept {
  if (end_of_turn_.empty()) waiting_since_ = now();
  return push(py, end_of_turn_, ReadyEntry(callback));
}

bool EventLoop::queue_threadsafe(const Attached& py, Handle* handle) noexcept {
  // Being attached excludes other threads from the queue. (A free-threaded build will have to post
  // a Job instead.)
  if (!queue(py, ReadyEntry(handle))) return false;
  wake();
  if (ready_.size() > kFlood) let_it_catch_up(py);
  return true;
}

/// A thread that calls faster than the loop runs would put off its timers, and its end, for longer
/// and longer: several of them get the interpreter more often than the loop.
void EventLoop::let_it_catch_up(const Attached& py) const noexcept {
  const unsigned long runner = running_thread();
  if (runner == 0 || runner == PyThread_get_thread_ident()) return;
  const Detached detached(py);
  const timespec shortest{0, 1};
  ::nanosleep(&shortest, nullptr);
}

bool EventLoop::queue_at(const Attached&, TimerHandle* timer, Nanos deadline) noexcept {
  try {
    timers_.add(&timer->node, deadline);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
    return false;
  }
  timer->scheduled = true;
  Py_INCREF(timer->object());
  return true;
}

void EventLoop::cancel_timer(const Attached&, TimerHandle* timer) noexcept {
  if (!timer->node.queued()) return;
  timers_.remove(&timer->node);
  timer->scheduled = false;
  let_go(&timer->base);
}

void EventLoop::callback_ended() noexcept {
  callbacks_ended_.fetch_add(1);
  callbacks_ended_.notify_all();
}

void EventLoop::wait_for_callback(const Attached& py) noexcept {
  const std::uint32_t seen = callbacks_ended_.load();
  const Detached detached(py);
  callbacks_ended_.wait(seen);
}

// One iteration.

bool EventLoop::tick(const Attached& py, ThreadHost* host) {
  if (is_closed()) return true;
  poked_.store(false, std::memory_order_seq_cst);
  run_inbox(py);
  poll_descriptors(py);
  return queue_due_timers(py) && run_ready(py, host);
}

void EventLoop::run_inbox(const Attached& py) noexcept {
  for (int budget = kJobsPerTick; budget > 0; --budget) {
    const JobPtr job = inbox_.take();
    if (!job) return;
    job->run(py);
  }
}

void EventLoop::poll_descriptors(const Attached& py) noexcept {
  if (!poller_->collected()) {
    if (poller_->watched() == 0 && ++ticks_without_poll_ < kTicksWithoutPoll) return;
    ticks_without_poll_ = 0;
    poller_->collect_now();
  }
  while (const io::Ready ready = poller_->take()) {
    static_cast<IoCallback*>(ready.watcher)->on_ready(py, ready.events);
  }
}

bool EventLoop::queue_due_timers(const Attached& py) noexcept {
  if (timers_.empty()) return true;
  const Nanos time = now();
  while (io::TimerNode* node = timers_.pop_due(time)) {
    TimerHandle* timer = TimerHandle::of(node);
    const PyRef owner = PyRef::steal(timer->object());  // the heap's
    timer->scheduled = false;
    if (!queue(py, ReadyEntry(&timer->base))) return false;
  }
  return true;
}

bool EventLoop::run_ready(const Attached& py, ThreadHost* host) {
  const std::size_t all = ready_.size();
  const Nanos began = all > 1 ? now() : 0;
  const std::size_t outer = left_in_phase_;
  const OnExit restore([&] {
    left_in_phase_ = outer;
    shared_context_.forget_unused(py);
    if (all > 1) quick_turns_ = now() - began < static_cast<Nanos>(all) * kQuickTurn;
  });
  // A callback that runs a tick of its own may take entries that were counted here.
  bool ok = true;
  for (std::size_t todo = all; ok && todo > 0 && !ready_.empty(); --todo) {
    left_in_phase_ = todo - 1;
    ok = run_entry(py, ready_.pop()) && serve_host(py, host);
  }
  return end_turn(py, ok);
}

/// What the entries own is not dropped: finalizers are code, too.
void EventLoop::forget_in_child(const Attached&) noexcept {
  if (!hosted_.load()) return;
  static_cast<void>(ready_.take());
  static_cast<void>(end_of_turn_.take());
  inbox_.forget();
}

bool EventLoop::run_all_ready(const Attached& py) {
  while (!ready_.empty()) {
    if (!run_ready(py, nullptr)) return false;
  }
  return true;
}

bool EventLoop::run_entry(const Attached& py, ReadyEntry entry) {
  const std::uint64_t outer = std::exchange(turn_, ++last_turn_);
  const bool ok = call(py, entry);
  turn_ = outer;
  const bool may_wait = ok && !end_of_turn_.empty() && turns_follow_quickly();
  return may_wait && now() - waiting_since_ < kLongestDelay ? true : end_turn(py, ok);
}

/// False: an error is set, the one that the turn ended with if it was not `ok`.
bool EventLoop::end_turn(const Attached& py, bool ok) {
  if (end_of_turn_.empty()) return ok;
  std::optional<SavedError> saved;
  if (!ok) saved.emplace(py);
  while (!end_of_turn_.empty()) {
    const ReadyEntry entry = end_of_turn_.pop();
    const PyRef owner = PyRef::steal(entry.owner());  // the queue's
    if (!entry.native()->run(py)) return false;
  }
  return ok;
}

bool EventLoop::call(const Attached& py, ReadyEntry entry) {
  const OnExit its([&] { let_go(entry); });  // the queue's
  if (entry.is_native()) return entry.native()->run(py);
  Handle* handle = entry.handle();
  if (debug_ && !handle->cancelled) return run_in_debug(py, handle);
  return run_handle(py, handle);
}

bool EventLoop::run_in_debug(const Attached&, Handle* handle) {
  const PyRef done = PyRef::steal(PyObject_CallMethod(self_, "_run_handle_in_debug", "O", handle));
  return static_cast<bool>(done);
}

/// False: the host interrupts the loop, Python error set.
bool EventLoop::serve_host(const Attached& py, ThreadHost* host) {
  if (host == nullptr || !host->has_jobs()) return true;
  if (!end_turn(py, true)) return false;
  const NotRunningScope not_running(py, *this);
  return host->run_jobs(py);
}

// Blocking loops.

bool EventLoop::run(const Attached& py) {
  ThreadHost* host = ThreadHost::current();
  if (host != nullptr) host->forget_interruption();
  const OnExit forget([&] {
    if (host != nullptr) host->forget_interruption();
  });
  do {
    if (!iterate(py, host)) return false;
  } while (!stopping_);
  return true;
}

bool EventLoop::run_once(const Attached& py) { return iterate(py, ThreadHost::current()); }

bool EventLoop::iterate(const Attached& py, ThreadHost* host) {
  if (!serve_host(py, host)) return false;
  if (idle() && !stopping_) wait(py, kNever, true);
  return PyErr_CheckSignals() == 0 && tick(py, host);
}

// Waiting.

bool EventLoop::has_work() const noexcept { return look_for_work(next_deadline()); }

bool EventLoop::idle() const noexcept {
  return ready_.empty() && inbox_.empty() && !poller_->collected();
}

/// From a false on, work that arrives sets poked_; so a thread that detaches then need not touch,
/// and does not, what attached threads may change.
bool EventLoop::look_for_work(Nanos deadline) const noexcept {
  poked_.store(false, std::memory_order_seq_cst);
  return !idle() || (deadline != kNever && deadline <= now());
}

void EventLoop::wait(const Attached& py, Nanos until, bool spin_first) {
  const Nanos deadline = std::min(until, next_deadline());
  if (look_for_work(deadline)) return;
  io::ask_for_precise_timers();
  ThreadHost* host = ThreadHost::current();
  const Detached detached(py);
  if (spin_first && spin_detached(host, deadline)) return;
  sleep_detached(host, deadline);
}

bool EventLoop::spin(const Attached& py, Nanos until) {
  const Nanos deadline = std::min(until, next_deadline());
  if (look_for_work(deadline)) return true;
  const Detached detached(py);
  return spin_detached(ThreadHost::current(), deadline);
}

bool EventLoop::spin_detached(ThreadHost* host, Nanos deadline) {
  bool polled_just_now = true;  // by the tick
  return spin_([&] {
    if (poked_.load(std::memory_order_relaxed)) return true;
    if (host != nullptr && host->has_jobs()) return true;
    if (deadline != kNever && deadline <= now()) return true;
    if (!std::exchange(polled_just_now, false)) poller_->collect_now();
    return poller_->collected();
  });
}

void EventLoop::sleep_detached(ThreadHost* host, Nanos deadline) {
  Waker& waker = host != nullptr ? host->waker() : own_waker_;
  const int wake_descriptor = poller_->wake_descriptor();
  const Nanos began = now();
  waker.arm(wake_descriptor);
  set_sleeper(&waker);
  const bool work_came =
      poked_.load(std::memory_order_seq_cst) || (host != nullptr && host->has_jobs());
  if (!work_came) poller_->collect(deadline);
  set_sleeper(nullptr);
  waker.disarm(wake_descriptor);
  const Nanos ended = now();
  if (ended < deadline) spin_.slept_for(ended - began);
}

// The end.

void EventLoop::close(const Attached& py) noexcept {
  if (closed_.exchange(true)) return;
  inbox_.close();
  clear(py);
  signals_.close();
  poller_->close();
}

void EventLoop::clear(const Attached& py) noexcept {
  // Finalizers may come back to this loop, so nothing is dropped from a container in use.
  drop(ready_.take());
  drop(end_of_turn_.take());
  while (io::TimerNode* node = timers_.pop_due(kNever)) {
    TimerHandle* timer = TimerHandle::of(node);
    timer->scheduled = false;
    let_go(&timer->base);
  }
  descriptors_.clear(py);
  shared_context_.clear();
}

void EventLoop::track_handles(const Attached&) noexcept {
  const auto look = [](Handle* handle) {
    if (Py_REFCNT(handle) > 1) track(handle);
    return 0;
  };
  for (std::size_t i = 0; i < ready_.size(); ++i) {
    if (!ready_[i].is_native()) look(ready_[i].handle());
  }
  timers_.for_each([&](io::TimerNode* node) { return look(&TimerHandle::of(node)->base); });
}

int EventLoop::traverse(visitproc visit, void* arg) const {
  for (std::size_t i = 0; i < ready_.size(); ++i) {
    if (ready_[i].is_native()) {
      Py_VISIT(ready_[i].owner());
    } else if (const int stop = traverse_queued(ready_[i].handle(), visit, arg)) {
      return stop;
    }
  }
  for (std::size_t i = 0; i < end_of_turn_.size(); ++i) Py_VISIT(end_of_turn_[i].owner());
  const int stop = timers_.for_each([&](io::TimerNode* node) {
    return traverse_queued(&TimerHandle::of(node)->base, visit, arg);
  });
  if (stop != 0) return stop;
  Py_VISIT(shared_context_.object());
  return descriptors_.traverse(visit, arg);
}

}  // namespace ep::loop
