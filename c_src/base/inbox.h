// Inbox: the jobs that any thread has posted to one thread, which takes them in the order of
// posting. Unbounded; posting takes no lock.
#pragma once

#include <utility>

#include "base/job.h"
#include "base/mailbox.h"

namespace ep {

class Inbox {
 public:
  Inbox() = default;
  ~Inbox() { close(); }
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  /// Any thread. Null, or the job, given back: the inbox has closed.
  [[nodiscard]] JobPtr post(JobPtr job) noexcept {
    if (mailbox_.post(job.get())) static_cast<void>(job.release());
    return job;
  }

  // The owning thread.

  /// The oldest job, or null.
  JobPtr take() noexcept {
    if (taken_ == nullptr) taken_ = mailbox_.drain();
    Job* const job = taken_;
    if (job != nullptr) taken_ = Mailbox<Job>::next(job);
    return JobPtr(job);
  }

  bool empty() const noexcept { return taken_ == nullptr && mailbox_.empty(); }

  /// In a forked child, whose jobs these are not: they are neither run nor abandoned nor let go.
  void forget() noexcept {
    static_cast<void>(mailbox_.drain());
    taken_ = nullptr;
  }

  /// Abandons what is there, and takes nothing any more.
  void close() noexcept {
    abandon_all(std::exchange(taken_, nullptr));
    abandon_all(mailbox_.close());
  }

 private:
  Mailbox<Job> mailbox_;
  Job* taken_ = nullptr;  // from the mailbox, oldest first
};

}  // namespace ep
