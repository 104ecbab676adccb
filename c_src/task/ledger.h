// Ledger: which submissions one hosted loop still owes a reply, by the process that they go to.
//
// A process is monitored from its first submission until it dies, however many it makes, so a call
// costs a look-up and not a monitor. Any thread; a submission is in at most one ledger.
#pragma once

#include <erl_nif.h>

#include <atomic>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "beam/resource.h"

namespace ep::task {

class Submission;

/// The list hook inside a submission. Protected by the ledger's mutex.
struct LedgerHook {
  Submission* previous = nullptr;
  Submission* next = nullptr;
  bool linked = false;
};

class Ledger {
 public:
  /// Enters `submission`, for `owner`. `resource` is the resource that the ledger lives in, whose
  /// down callback calls take(). False if the owner is dead, or the ledger closed.
  bool add(ErlNifEnv* env, void* resource, const ErlNifPid& owner, Submission* submission);
  void remove(Submission* submission) noexcept;
  /// How many there are; exact when nobody else is at it.
  std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

  /// One that is in it, or null.
  ResourceRef<Submission> any();
  /// Takes out all submissions of a process that died.
  std::vector<ResourceRef<Submission>> take(const ErlNifPid& owner);
  /// Takes out everything and lets nothing more in.
  std::vector<ResourceRef<Submission>> close();

 private:
  struct Owner {
    Submission* first = nullptr;
  };

  std::atomic<std::size_t> size_{0};
  std::mutex mutex_;  // protects the following and the hooks of what is entered
  bool closed_ = false;
  std::unordered_map<ERL_NIF_TERM, Owner> owners_;  // by local pid, which is an immediate term
};

}  // namespace ep::task
