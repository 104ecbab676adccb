// Ledger: which submissions one hosted loop still owes a reply, by the process that they go to.
//
// A process is monitored from its first submission until it dies, however many it makes, so a call
// costs a look-up and not a monitor. Any thread; a submission is in at most one ledger.
//
// Who takes submissions out keeps each alive, under the ledger's lock: they may go as soon as they
// are in no ledger, since whoever lets go of one removes it first.
//
// Knows neither Python nor the VM.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace ep::task {

/// A local process: its pid, which is an immediate term.
using OwnerKey = std::uint64_t;

/// Part of a submission. Protected by the ledger's mutex.
template <class Submission>
struct LedgerHook {
  Submission* previous = nullptr;
  Submission* next = nullptr;
  OwnerKey owner = 0;
  bool linked = false;
};

/// `Submission` has a LedgerHook, `ledger_hook`.
template <class Submission>
class Ledger {
 public:
  enum class [[nodiscard]] Added : std::uint8_t{kYes, kClosed, kOwnerDead};

  /// `monitor()` is called for a process that is not known yet: false if it is dead.
  template <class Monitor>
  Added add(OwnerKey owner, Submission* submission, Monitor&& monitor) {
    const std::lock_guard lock(mutex_);
    if (closed_) return Added::kClosed;
    const auto [found, is_new] = owners_.try_emplace(owner);
    if (is_new && !monitor()) {
      owners_.erase(found);
      return Added::kOwnerDead;
    }
    Submission*& first = found->second;
    submission->ledger_hook = {nullptr, first, owner, true};
    if (first != nullptr) first->ledger_hook.previous = submission;
    first = submission;
    size_.fetch_add(1, std::memory_order_relaxed);
    return Added::kYes;
  }

  /// No effect if it is not there any more.
  void remove(Submission* submission) noexcept {
    const std::lock_guard lock(mutex_);
    LedgerHook<Submission>& hook = submission->ledger_hook;
    if (!hook.linked) return;
    if (hook.next != nullptr) hook.next->ledger_hook.previous = hook.previous;
    if (hook.previous != nullptr) {
      hook.previous->ledger_hook.next = hook.next;
    } else {
      owners_.find(hook.owner)->second = hook.next;
    }
    hook = {};
    size_.fetch_sub(1, std::memory_order_relaxed);
  }

  /// How many there are; exact when nobody else is at it.
  std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

  /// Calls `keep` with one that is in it, if there is one; that stays.
  template <class Keep>
  void look_at_one(Keep&& keep) {
    const std::lock_guard lock(mutex_);
    for (const auto& [owner, first] : owners_) {
      if (first != nullptr) return keep(first);
    }
  }
  /// Calls `look` with all that are in it; they stay.
  template <class Look>
  void look_at_all(Look&& look) {
    const std::lock_guard lock(mutex_);
    for (const auto& [owner, first] : owners_) {
      for (Submission* each = first; each != nullptr; each = each->ledger_hook.next) look(each);
    }
  }
  /// Takes out, one by one into `keep`, all of a process that died.
  template <class Keep>
  void take(OwnerKey owner, Keep&& keep) {
    const std::lock_guard lock(mutex_);
    const auto found = owners_.find(owner);
    if (found == owners_.end()) return;
    take_list(found->second, keep);
    owners_.erase(found);
  }
  /// Takes out everything and lets nothing more in.
  template <class Keep>
  void close(Keep&& keep) {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (auto& [owner, first] : owners_) take_list(first, keep);
    owners_.clear();
  }

 private:
  template <class Keep>
  void take_list(Submission* first, Keep& keep) {
    while (first != nullptr) {
      keep(first);
      Submission* const next = first->ledger_hook.next;
      first->ledger_hook = {};
      first = next;
      size_.fetch_sub(1, std::memory_order_relaxed);
    }
  }

  std::atomic<std::size_t> size_{0};
  std::mutex mutex_;  // protects the following and the hooks of what is entered
  bool closed_ = false;
  std::unordered_map<OwnerKey, Submission*> owners_;  // monitored, to the newest of each
};

}  // namespace ep::task
