// State: everything the NIF library has, wired together. It is the library's private data, made
// when the library is loaded first and kept until the VM ends, as the interpreter is: a module that
// is deleted and loaded again, as init:restart/0 does with all, finds the same one.
#pragma once

#include <erl_nif.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "callback/bridge.h"
#include "nif/test_sockets.h"
#include "runtime/executor.h"
#include "runtime/last_words.h"
#include "runtime/python.h"
#include "task/services.h"

namespace ep::nif {

class State {
 public:
  explicit State(ErlNifEnv* env) : services(env), bridge(services) {}

  /// In the load and upgrade callbacks. They stay as they are once start() has been called.
  bool open_resource_types(ErlNifEnv* env);

  struct StartOptions {
    std::string executable;
    std::string package_dir;
    unsigned loop_executors;
    Nanos max_spin;
    std::size_t max_pending;  // submissions that one loop may owe
    bool sandbox;             // as the interpreter starts; later starts can't change it
  };
  /// Starts the interpreter, if that has not been done, and the executors of the pool's loops.
  /// Sends {started, Tag, ok | {error, Text}} to `to`, later.
  void start(const ErlNifPid& to, ERL_NIF_TERM tag, StartOptions options);

  /// Stops all executors but the interpreter's own, waiting for them for a while; then sends
  /// {stopped, Tag, NumberOfExecutorsThatDidNotEnd}. Loops that still owe something are closed.
  void stop(ErlNifEnv* env, const ErlNifPid& to, ERL_NIF_TERM tag, Nanos deadline);

  /// A new, started executor. Only between start and stop.
  std::shared_ptr<Executor> new_executor(const std::string& name);
  /// One of those that host the pool's loops, in turn; null if not started.
  std::shared_ptr<Executor> loop_executor();
  bool started();

  task::Services services;
  std::unique_ptr<Python> python;  // null until the first start
  callback::Bridge bridge;
  TestSockets test_sockets;

 private:
  class Waiting;
  class Start;
  class Stop;
  class Drain;

  void keep_resource_types();
  bool prepare(const Attached&);
  /// The answer to start(); an empty text is no error.
  void tell_started(Waiting& waiting, const std::string& error);
  /// Why that is impossible; empty if all went well. Then they are started.
  std::string run_executors() noexcept;
  std::shared_ptr<Executor> add_executor(const std::string& name);  // mutex_ held
  /// Lets all executors end when they have done what is queued; mutex_ held.
  std::vector<std::shared_ptr<Executor>> end_executors();

  LastWords last_words_;
  const std::shared_ptr<ExitGuard> exit_guard_ =
      std::make_shared<ExitGuard>([this] { last_words_.say(); });

  std::mutex mutex_;  // protects the following
  bool types_kept_ = false;
  bool started_ = false;
  std::string start_error_;
  StartOptions options_{};
  std::vector<std::shared_ptr<Executor>> loop_executors_;
  std::vector<std::weak_ptr<Executor>> executors_;  // all, to join them
  std::size_t next_ = 0;
};

}  // namespace ep::nif
