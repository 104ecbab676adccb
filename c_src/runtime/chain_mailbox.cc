#include "runtime/chain_mailbox.h"

#include <algorithm>
#include <new>
#include <utility>

namespace ep {
JobPtr ChainMailbox::post(JobPtr job) noexcept {
  if (posted_.post(job.get())) static_cast<void>(job.release());
  return job;
}

/// Jobs are in two places, and the owner may have some in its hand on their way from one to the
/// other. It looks, under the lock, whether it has come too late, and abandons them itself then.
void ChainMailbox::close() noexcept {
  std::deque<JobPtr> jobs;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    jobs.swap(jobs_);
    count_.store(0, std::memory_order_release);
  }
  Job* const newer = posted_.close();
  for (JobPtr& job : jobs) abandon(std::move(job));
  abandon_all(newer);
}

void ChainMailbox::sort_in() {
  Job* job = posted_.drain();
  if (job == nullptr) return;
  {
    std::lock_guard lock(mutex_);
    while (job != nullptr && !closed_) {
      Job* const next = Mailbox<Job>::next(job);
      jobs_.emplace_back(job);
      job = next;
    }
    count_.store(jobs_.size(), std::memory_order_release);
  }
  abandon_all(job);
}

std::size_t ChainMailbox::count() {
  sort_in();
  return waiting();
}

/// Without the lock, which may be held by a thread that is not there.
void ChainMailbox::forget() noexcept {
  static_cast<void>(posted_.drain());
  new (&jobs_) std::deque<JobPtr>();
  count_.store(0);
}

JobPtr ChainMailbox::take() {
  return take_first([](const JobPtr&) { return true; });
}

JobPtr ChainMailbox::take_of(std::uint64_t chain) {
  return take_first(
      [chain](const JobPtr& job) { return chain != kNoChain && job->chain == chain; });
}

template <class Matches>
JobPtr ChainMailbox::take_first(Matches&& matches) {
  sort_in();
  std::lock_guard lock(mutex_);
  const auto found = std::find_if(jobs_.begin(), jobs_.end(), matches);
  if (found == jobs_.end()) return nullptr;
  JobPtr job = std::move(*found);
  jobs_.erase(found);
  count_.store(jobs_.size(), std::memory_order_release);
  return job;
}

}  // namespace ep
