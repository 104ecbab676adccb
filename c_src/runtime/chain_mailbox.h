// ChainMailbox: the jobs of an executor. Any thread posts; the executor's thread takes them in the
// order of posting or, while it waits inside of a chain of nested calls, those of that chain first.
//
// Knows neither Python nor the VM.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>

#include "base/job.h"
#include "base/mailbox.h"

namespace ep {

class ChainMailbox {
 public:
  static constexpr std::uint64_t kNoChain = 0;

  ChainMailbox() = default;
  ~ChainMailbox() { close(); }
  ChainMailbox(const ChainMailbox&) = delete;
  ChainMailbox& operator=(const ChainMailbox&) = delete;

  /// Any thread; no lock. Null, or the job, given back: the mailbox has closed.
  [[nodiscard]] JobPtr post(JobPtr job) noexcept;

  /// Any thread. Abandons what is there, and takes nothing any more.
  void close() noexcept;

  /// Any thread; exact for the owner, unless another closes it.
  bool empty() const noexcept { return !has_new() && waiting() == 0; }
  /// Have jobs been posted since the owner last looked, by any of the following?
  bool has_new() const noexcept { return !posted_.empty(); }

  // The owning thread.

  /// The oldest job; null if there is none.
  JobPtr take();
  /// The oldest job of `chain`; null if there is none, or that is kNoChain. If it is null, the next
  /// one shows in has_new(): whoever waits for it looks nowhere else in between.
  JobPtr take_of(std::uint64_t chain);
  /// How many jobs there are now.
  std::size_t count();
  /// In a forked child, whose jobs these are not: they are neither run nor abandoned nor let go.
  void forget() noexcept;

 private:
  void sort_in();
  template <class Matches>
  JobPtr take_first(Matches&& matches);
  std::size_t waiting() const noexcept { return count_.load(std::memory_order_acquire); }

  Mailbox<Job> posted_;

  std::mutex mutex_;         // protects the following
  std::deque<JobPtr> jobs_;  // taken from `posted_`
  bool closed_ = false;
  std::atomic<std::size_t> count_{0};  // of jobs_, for those who only want to know
};

}  // namespace ep
