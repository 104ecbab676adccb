// OpenLoops: the hosted loops that there are, so that those that still owe something can be closed
// when their threads end: one that no process of the application's stands for, such as a context
// of somebody's own, is closed by nobody else.
//
// It keeps no loop alive. Any thread.
#pragma once

#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "beam/resource.h"
#include "runtime/executor.h"

namespace ep::task {

class HostedLoop;
class Submission;

class OpenLoops {
 public:
  /// By the loop, first and last in its life.
  void add(HostedLoop* loop);
  void remove(HostedLoop* loop) noexcept;

  /// Closes each that owes a reply, as HostedLoop::close() does, `caller` as there; with `executor`
  /// only those that it hosts.
  void close_all(ErlNifEnv* caller, ERL_NIF_TERM why, const Executor* executor = nullptr);

  /// Those of an executor's that have something to start.
  std::vector<ResourceRef<HostedLoop>> with_starts(const Executor& executor);
  /// What runs on `place` and is owed by another loop.
  std::vector<ResourceRef<Submission>> guests_of(const HostedLoop& place);

  /// Processes that poll the descriptors of loops stop waiting.
  void end_polls() noexcept;

 private:
  std::vector<ResourceRef<Submission>> owed(const Executor* executor);

  std::mutex mutex_;  // protects the following
  std::unordered_map<const Executor*, std::unordered_set<HostedLoop*>> loops_;  // by executor
};

}  // namespace ep::task
