// LastWords: what Python has to do before the VM leaves, such as its atexit functions. They run
// once, if the application has been stopped before, as it is when a node ends in order; a VM that
// halts in the middle of Python's work leaves at once.
//
// The thread that leaves may be a scheduler's: it runs no Python, and waits for whoever does, with
// a bound. That is Python's main thread, or, if a program keeps that busy, the undertaker.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "cpython/attach.h"
#include "runtime/executor.h"

namespace ep {

class LastWords {
 public:
  using Words = std::function<void(const Attached&)>;

  /// Any thread. The application has stopped, and these two executors are idle.
  void prepare(Executor& main, Executor& undertaker, Words words);
  /// Any thread. The application starts again.
  void forget() noexcept;

  /// The thread that leaves, detached.
  void say() noexcept;

 private:
  class Saying;
  class Turn;

  struct Prepared {
    Executor& main;
    Executor& undertaker;
    Words words;
  };
  std::mutex mutex_;  // protects the following
  std::unique_ptr<Prepared> prepared_;
};

}  // namespace ep
