// Python: CPython in this VM, with its main interpreter. Started once, on a thread of its own that
// Python takes for its main thread, and kept until the VM ends: extension modules can't be loaded
// into a process twice, so stopping the application stops the executors, never the interpreter
// (docs/decisions/).
//
// Three executors belong to it. `main()` is Python's main thread: signal handlers run there, and
// bin/erlpy runs its program there. `janitor()` does what nobody should wait for: it raises
// interruptions in other threads and joins threads; no code of users' may run there. `undertaker()`
// drops objects that died elsewhere; their finalizers may take as long as they like.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cpython/attach.h"
#include "runtime/executor.h"

namespace ep {

class Python {
 public:
  struct Config {
    std::string
        executable;  // sys.executable, from which the prefix and a virtual environment follow
    std::string libpython;      // its symbols become global, or extension modules can't be imported
    std::string package_dir;    // where the package `erlang` is: the first of sys.path
    bool sandbox = true;        // nobody may fork or replace the VM
    Executor::Config executor;  // of the three executors; the name is ignored
    std::function<bool(const Attached&)> prepare;  // adds `_erlang`; false with a Python error set
  };

  /// Starts CPython on a new thread and calls `started` there with an error text, empty if all went
  /// well. Then the executors serve.
  explicit Python(Config config, std::function<void(std::string)> started);

  /// After a successful start only.
  Interpreter& interpreter() noexcept { return interpreter_; }
  Executor& main() noexcept { return *main_; }
  Executor& janitor() noexcept { return *janitor_; }
  Executor& undertaker() noexcept { return *undertaker_; }

 private:
  /// Gives the thread's state, detached.
  std::string initialize(const Config& config, PyThreadState** thread_state);
  void run(const Config& config, const std::function<void(std::string)>& started);

  Interpreter interpreter_;
  std::shared_ptr<Executor> main_;
  std::shared_ptr<Executor> janitor_;
  std::shared_ptr<Executor> undertaker_;
  Thread thread_;
};

}  // namespace ep
