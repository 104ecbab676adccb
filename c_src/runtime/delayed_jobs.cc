#include "runtime/delayed_jobs.h"

#include <memory>
#include <utility>

namespace ep {

struct DelayedJobs::Delayed : io::TimerNode {
  explicit Delayed(JobPtr its_job) noexcept : job(std::move(its_job)) {}
  JobPtr job;
};

DelayedJobs::~DelayedJobs() {
  while (JobPtr job = take_due(kNever)) abandon(std::move(job));
}

void DelayedJobs::add(JobPtr job, Nanos time) {
  auto delayed = std::make_unique<Delayed>(std::move(job));
  timers_.add(delayed.get(), time);
  static_cast<void>(delayed.release());
}

JobPtr DelayedJobs::take_due(Nanos time) noexcept {
  const std::unique_ptr<Delayed> delayed(static_cast<Delayed*>(timers_.pop_due(time)));
  return delayed ? std::move(delayed->job) : nullptr;
}

}  // namespace ep
