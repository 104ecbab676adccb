// Poll: one process that waits for the descriptors of a loop, in the VM's poll set, for
// py_nif:poll_events/2. It takes no scheduler, and ends with its process.
//
// Each has a duplicate of the event queue's descriptor, since the VM lets one process wait for a
// descriptor at a time. It is a NIF resource.
#pragma once

#include <erl_nif.h>

#include <atomic>

#include "base/unique_fd.h"

namespace ep::task {

class Poll {
 public:
  explicit Poll(UniqueFd fd) noexcept : fd_(fd.release()) {}
  ~Poll();

  /// Once, by the process that waits: it gets {select, Poll, undefined, ready_input}. False: the VM
  /// can't.
  bool arm(ErlNifEnv* env, ERL_NIF_TERM undefined);
  /// By the same. False: the message has been sent, or will be.
  bool disarm(ErlNifEnv* env, ERL_NIF_TERM undefined) noexcept;

  // Callbacks of the VM's.
  static void down(ErlNifEnv*, Poll*, ErlNifPid*, ErlNifMonitor*);
  static void stop(ErlNifEnv*, Poll*, ErlNifEvent, int is_direct);

 private:
  void leave(ErlNifEnv* env) noexcept;

  ErlNifMonitor monitor_{};  // of the process that waits
  std::atomic<int> fd_;      // the VM's to close, through stop(), once it is armed
};

}  // namespace ep::task
