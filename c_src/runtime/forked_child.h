// ForkedChild: a child that Python code forks of this process, where that is allowed at all
// (os.fork, and what uses it: multiprocessing, servers with workers).
//
// It has one thread, the one that forked, and nothing of the VM in it works: no scheduler runs, and
// locks may be held by threads that are not there. So the child does what Python code tells it and
// no more: it is sent no jobs, asks no process, and the VM's signal handlers, which would wake the
// parent, are gone. It ends where the code that forked returns to us: with what python3 does at the
// end of a program, and with the status that python3 would give it.
#pragma once

#include <pthread.h>

#include <atomic>
#include <functional>

#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep {

class ForkedChild {
 public:
  /// Once, attached, on Python's main thread: looks out for forks; `module` is `_erlang`. `forget`
  /// is called in each child, at once: what is queued is the parent's to do. False with a Python
  /// error set.
  [[nodiscard]] bool watch(const Attached&, PyObject* module,
                           std::function<void(const Attached&)> forget);

  /// Any thread. Is this process such a child?
  bool here() const noexcept { return here_.load(std::memory_order_relaxed); }

  /// In a child, where the code that forked it has ended, with this exception or null: as a program
  /// ends.
  [[noreturn]] void end(const Attached&, const PyRef& exception) noexcept;

  /// In a child: at once.
  [[noreturn]] static void leave(int status) noexcept;

  // Around a fork, on its thread.
  void before() noexcept;
  void in_parent() noexcept;
  void in_child(const Attached&) noexcept;

 private:
  std::function<void(const Attached&)> forget_;
  pthread_t main_thread_{};
  std::atomic<bool> here_{false};
};

}  // namespace ep
