#include "loop/schedule.h"

#include <new>

#include "loop/event_loop.h"

namespace ep::loop {
namespace {

void drop(io::ReadyQueue<ReadyEntry> queue) noexcept {
  while (!queue.empty()) let_go(queue.pop());
}

}  // namespace

bool Schedule::push(const Attached&, Queue& queue, ReadyEntry entry) noexcept {
  try {
    queue.push(entry);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
    return false;
  }
  Py_INCREF(entry.owner());
  return true;
}

void let_go(ReadyEntry entry) noexcept {
  if (entry.is_native()) {
    Py_DECREF(entry.owner());
  } else {
    let_go(entry.handle());
  }
}

bool Schedule::queue_for_end_of_turn(const OnLoop& py, NativeCallback* callback) noexcept {
  if (end_of_turn_.empty()) turns_.begin_to_wait();
  return push(py, end_of_turn_, ReadyEntry(callback));
}

bool Schedule::queue_at(const OnLoop&, TimerHandle* timer, Nanos deadline) noexcept {
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

bool Schedule::queue_due_timers(const OnLoop& py) noexcept {
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

void Schedule::cancel_timer(const OnLoop&, TimerHandle* timer) noexcept {
  if (!timer->node.queued()) return;
  timers_.remove(&timer->node);
  timer->scheduled = false;
  let_go(&timer->base);
}

/// Finalizers may come back to the loop, so nothing is dropped from a container in use.
void Schedule::clear(const OnLoop&) noexcept {
  drop(ready_.take());
  drop(end_of_turn_.take());
  while (io::TimerNode* node = timers_.pop_due(kNever)) {
    TimerHandle* timer = TimerHandle::of(node);
    timer->scheduled = false;
    let_go(&timer->base);
  }
}

void Schedule::forget_ready() noexcept {
  static_cast<void>(ready_.take());
  static_cast<void>(end_of_turn_.take());
}

void Schedule::track_handles(const Attached&) noexcept {
  const auto look = [](Handle* handle) {
    if (Py_REFCNT(handle) > 1) track(handle);
    return 0;
  };
  for (std::size_t i = 0; i < ready_.size(); ++i) {
    if (!ready_[i].is_native()) look(ready_[i].handle());
  }
  timers_.for_each([&](io::TimerNode* node) { return look(&TimerHandle::of(node)->base); });
}

int Schedule::traverse(visitproc visit, void* arg) const {
  for (std::size_t i = 0; i < ready_.size(); ++i) {
    if (ready_[i].is_native()) {
      Py_VISIT(ready_[i].owner());
    } else if (const int stop = traverse_queued(ready_[i].handle(), visit, arg)) {
      return stop;
    }
  }
  for (std::size_t i = 0; i < end_of_turn_.size(); ++i) Py_VISIT(end_of_turn_[i].owner());
  return timers_.for_each([&](io::TimerNode* node) {
    return traverse_queued(&TimerHandle::of(node)->base, visit, arg);
  });
}

}  // namespace ep::loop
