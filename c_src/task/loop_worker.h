// LoopWorker: the process that waits for a hosted loop while that is parked (py_event_worker), as
// the loop knows it. Any thread.
#pragma once

#include <erl_nif.h>

#include <cstdint>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "beam/atoms.h"

namespace ep::task {

class LoopWorker {
 public:
  void set(const ErlNifPid& pid) {
    const std::lock_guard lock(mutex_);
    pid_ = pid;
  }
  bool is(const ErlNifPid& pid);

  /// What it is to wait for.
  struct Wait {
    std::uint64_t number;  // see Parking
    Nanos longest;         // or kNever
    bool descriptors;      // for the loop's poller, too
  };
  /// On a thread that is none of the VM's. Without a worker nobody waits; when one comes, the loop
  /// is told to look again.
  void tell(const Atoms& atoms, const Wait& wait);
  /// Likewise: it is not needed any more.
  void tell_to_retire(const Atoms& atoms);

 private:
  std::mutex mutex_;  // protects the following
  std::optional<ErlNifPid> pid_;
};

}  // namespace ep::task
