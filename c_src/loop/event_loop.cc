#include "loop/event_loop.h"

#include <time.h>

#include <algorithm>
#include <optional>

#include "base/scope_guard.h"
#include "cpython/error.h"
#include "loop/loop_types.h"
#include "loop/running_scope.h"

namespace ep::loop {
namespace {

/// A flood of jobs takes turns with what the jobs start: I/O isn't starved, and tasks that end soon
/// don't pile up (50,000 at once cost twice as much, most of it in Python's garbage collector).
constexpr int kJobsPerTick = 64;

/// So many entries in the queue are a flood, if other threads make them.
constexpr std::size_t kFlood = 4096;

}  // namespace

EventLoop::EventLoop(PyObject* self, LoopTypes& types)
    : self_(self),
      types_(types),
      waiting_(types.max_spin),
      descriptors_(*this, waiting_.poller()),
      signals_(*this),
      shared_context_(types.internals.context_variables) {
  types_.loops.insert(this);
}

EventLoop::~EventLoop() {
  types_.loops.erase(this);
  close(OnLoop::while_dying(Dying(self_), *this));
}

// What other threads do.

JobPtr EventLoop::post(JobPtr job) noexcept {
  JobPtr refused = inbox_.post(std::move(job));
  if (!refused) wake();
  return refused;
}

// Scheduling.

bool EventLoop::queue_threadsafe(const Attached& py, Handle* handle) noexcept {
  if (!schedule_.queue(py, ReadyEntry(handle))) return false;
  wake();
  if (schedule_.ready() > kFlood) let_it_catch_up(py);
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

bool EventLoop::tick(const OnLoop& py, ThreadHost* host) {
  if (is_closed()) return true;
  // First of all: what is brought from now on, while this looks, rings again.
  waiting_.doorbell().look();
  run_inbox(py);
  poll_descriptors(py);
  return schedule_.queue_due_timers(py) && run_ready(py, host);
}

void EventLoop::run_inbox(const OnLoop& py) noexcept {
  for (int budget = kJobsPerTick; budget > 0; --budget) {
    const JobPtr job = inbox_.take();
    if (!job) return;
    job->run(py);
  }
}

void EventLoop::poll_descriptors(const OnLoop& py) noexcept {
  if (!waiting_.poll()) return;
  while (const io::Ready ready = waiting_.poller().take()) {
    static_cast<IoCallback*>(ready.watcher)->on_ready(py, ready.events);
  }
}

bool EventLoop::run_ready(const OnLoop& py, ThreadHost* host) {
  const std::size_t all = schedule_.ready();
  io::Turns::Phase phase(schedule_.turns(), all);
  const OnExit forget([&] { shared_context_.forget_unused(py); });
  // A callback that runs a tick of its own may take entries that were counted here.
  bool ok = true;
  for (std::size_t todo = all; ok && todo > 0 && schedule_.ready() > 0; --todo) {
    phase.left(todo - 1);
    ok = run_entry(py, schedule_.take_ready(py)) && serve_host(py, host);
  }
  return end_turn(py, ok);
}

void EventLoop::forget_in_child(const Attached&) noexcept {
  if (!is_hosted()) return;
  schedule_.forget_ready();
  inbox_.forget();
}

bool EventLoop::run_all_ready(const Attached&) {
  const OnLoop py(*this);
  while (schedule_.ready() > 0) {
    if (!run_ready(py, nullptr)) return false;
  }
  return true;
}

bool EventLoop::run_entry(const OnLoop& py, ReadyEntry entry) {
  bool ok;
  {
    const io::Turns::Turn turn(schedule_.turns());
    ok = call(py, entry);
  }
  // An exception that ends the loop ends the waiting, too.
  const bool may_wait = ok && schedule_.has_end_of_turn() && schedule_.turns().may_wait_longer();
  return may_wait ? true : end_turn(py, ok);
}

/// False: an error is set, the one that the turn ended with if it was not `ok`.
bool EventLoop::end_turn(const OnLoop& py, bool ok) {
  if (!schedule_.has_end_of_turn()) return ok;
  std::optional<SavedError> saved;
  if (!ok) saved.emplace(py);
  while (schedule_.has_end_of_turn()) {
    const ReadyEntry entry = schedule_.take_end_of_turn(py);
    const PyRef owner = PyRef::steal(entry.owner());  // the queue's
    if (!entry.native()->run(py)) return false;
  }
  return ok;
}

bool EventLoop::call(const OnLoop& py, ReadyEntry entry) {
  const OnExit its([&] { let_go(entry); });  // the queue's
  if (entry.is_native()) return entry.native()->run(py);
  Handle* handle = entry.handle();
  if (debug_ && !handle->cancelled) return run_in_debug(py, handle);
  return run_handle(py, handle);
}

bool EventLoop::run_in_debug(const OnLoop&, Handle* handle) {
  const PyRef done = PyRef::steal(PyObject_CallMethod(self_, "_run_handle_in_debug", "O", handle));
  return static_cast<bool>(done);
}

/// False: the host interrupts the loop, Python error set.
bool EventLoop::serve_host(const OnLoop& py, ThreadHost* host) {
  if (host == nullptr || !host->has_jobs()) return true;
  if (!end_turn(py, true)) return false;
  const NoLoopScope no_loop(py);
  return no_loop.entered() && host->run_jobs(py);
}

// Blocking loops.

bool EventLoop::run(const OnLoop& py) {
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

bool EventLoop::run_once(const OnLoop& py) { return iterate(py, ThreadHost::current()); }

bool EventLoop::iterate(const OnLoop& py, ThreadHost* host) {
  if (!serve_host(py, host)) return false;
  if (idle() && !stopping_) wait(py, kNever, true);
  return PyErr_CheckSignals() == 0 && tick(py, host);
}

// Waiting.

bool EventLoop::has_work() noexcept { return look_for_work(next_deadline()); }

bool EventLoop::idle() const noexcept {
  return schedule_.ready() == 0 && inbox_.empty() && !waiting_.poller().collected();
}

/// From a false on, work that arrives rings; so a thread that detaches then need not touch, and
/// does not, what attached threads may change.
bool EventLoop::look_for_work(Nanos deadline) noexcept {
  waiting_.doorbell().look();
  return !idle() || (deadline != kNever && deadline <= now());
}

void EventLoop::wait(const Attached& py, Nanos until, bool spin_first) {
  const Nanos deadline = std::min(until, next_deadline());
  if (look_for_work(deadline)) return;
  ThreadHost* host = ThreadHost::current();
  const Detached detached(py);
  if (spin_first && waiting_.spin(host, deadline)) return;
  waiting_.sleep(host, deadline);
}

bool EventLoop::spin(const Attached& py, Nanos until) {
  const Nanos deadline = std::min(until, next_deadline());
  if (look_for_work(deadline)) return true;
  const Detached detached(py);
  return waiting_.spin(ThreadHost::current(), deadline);
}

// The end.

void EventLoop::close(const OnLoop& py) noexcept {
  if (closed_.exchange(true)) return;
  inbox_.close();
  clear(py);
  signals_.close(py);
  waiting_.poller().close();
}

void EventLoop::clear(const OnLoop& py) noexcept {
  schedule_.clear(py);
  descriptors_.clear(py);
  shared_context_.clear();
}

int EventLoop::traverse(visitproc visit, void* arg) const {
  if (const int stop = schedule_.traverse(visit, arg)) return stop;
  Py_VISIT(shared_context_.object());
  return descriptors_.traverse(visit, arg);
}

}  // namespace ep::loop
