// ThreadHost: the thread that a loop runs on, as the loop sees it.
//
// An executor is one: a blocking loop on its thread must let the executor's other jobs run between
// its own callbacks, and must be woken by them. Any other Python thread has none: then the loop
// brings a Waker of its own.
#pragma once

#include "base/waker.h"

namespace ep {

class Attached;  // cpython/attach.h

class ThreadHost {
 public:
  /// Any thread: what wakes this thread, whatever it sleeps in.
  virtual Waker& waker() noexcept = 0;

  /// This thread: is there a job to run now, or an interruption to deliver? Cheap enough to spin
  /// on.
  virtual bool has_jobs() const noexcept = 0;

  /// This thread, attached: runs the jobs that are there now. False, with a Python error set, if
  /// what occupies the thread has been interrupted (its deadline passed, say): let that error
  /// propagate.
  [[nodiscard]] virtual bool run_jobs(const Attached& py) noexcept = 0;

  /// This thread, attached: a loop begins to occupy it, or has ended. An interruption that Python
  /// code has seen before that concerns the code around it.
  virtual void forget_interruption() noexcept = 0;

  /// The host of the calling thread, or null. Set once in a thread's life, by its host.
  static ThreadHost* current() noexcept { return current_slot(); }

 protected:
  ~ThreadHost() = default;
  static void set_current(ThreadHost* host) noexcept { current_slot() = host; }

 private:
  static ThreadHost*& current_slot() noexcept {
    static thread_local constinit ThreadHost* host = nullptr;
    return host;
  }
};

}  // namespace ep
