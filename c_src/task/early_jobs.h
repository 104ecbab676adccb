// EarlyJobs: jobs for a hosted loop that came before there was a Python loop.
//
//   kWaiting ── open() ──▶ kOpen      there is one; it gets them, and whoever comes later goes
//   there kWaiting ── close() ─▶ kClosed    there will be none
//
// Any thread. Knows neither Python nor the VM.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "base/job.h"

namespace ep::task {

class EarlyJobs {
 public:
  enum class State : std::uint8_t { kWaiting, kOpen, kClosed };

  State state() const noexcept { return state_.load(std::memory_order_acquire); }

  /// Null, or the job, given back: it is not kWaiting any more.
  [[nodiscard]] JobPtr add(JobPtr job) {
    const std::lock_guard lock(mutex_);
    if (state() == State::kWaiting) jobs_.push_back(std::move(job));
    return job;
  }

  /// Hands each to `give`, in the order of their coming, and calls `then` before others get on.
  /// After close() there are none to hand.
  template <class Give, class Then>
  void open(Give&& give, Then&& then) {
    const std::lock_guard lock(mutex_);
    for (JobPtr& job : jobs_) give(std::move(job));
    jobs_.clear();
    then();
    if (state() == State::kWaiting) state_.store(State::kOpen, std::memory_order_release);
  }

  /// The jobs that nobody will run. `then` is called while none can be added.
  template <class Then>
  [[nodiscard]] std::vector<JobPtr> take(Then&& then) {
    const std::lock_guard lock(mutex_);
    then();
    return std::exchange(jobs_, {});
  }
  [[nodiscard]] std::vector<JobPtr> close() {
    return take([this] { state_.store(State::kClosed, std::memory_order_release); });
  }

 private:
  std::mutex mutex_;  // protects the following
  std::vector<JobPtr> jobs_;
  std::atomic<State> state_{State::kWaiting};
};

}  // namespace ep::task
