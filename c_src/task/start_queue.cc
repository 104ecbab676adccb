#include "task/start_queue.h"

#include "task/hosted_loop.h"
#include "task/submission.h"

namespace ep::task {

void StartQueue::push(Submission* submission) {
  enif_keep_resource(submission);
  std::lock_guard lock(mutex_);
  submission->start_hook = {last_, nullptr, true};
  (last_ != nullptr ? last_->start_hook.next : first_) = submission;
  last_ = submission;
  size_.fetch_add(1, std::memory_order_seq_cst);
}

ResourceRef<Submission> StartQueue::pop() noexcept {
  std::lock_guard lock(mutex_);
  Submission* const submission = first_;
  if (submission != nullptr) unlink(submission);
  return ResourceRef<Submission>::adopt(submission);
}

bool StartQueue::remove(Submission* submission) noexcept {
  {
    std::lock_guard lock(mutex_);
    if (!submission->start_hook.linked) return false;
    unlink(submission);
  }
  enif_release_resource(submission);
  return true;
}

ResourceRef<HostedLoop> StartQueue::loop_if_any() noexcept {
  std::lock_guard lock(mutex_);
  return first_ != nullptr ? ResourceRef<HostedLoop>::share(&first_->loop())
                           : ResourceRef<HostedLoop>();
}

/// mutex_ held. The reference becomes the caller's.
void StartQueue::unlink(Submission* submission) noexcept {
  const StartHook hook = submission->start_hook;
  (hook.previous != nullptr ? hook.previous->start_hook.next : first_) = hook.next;
  (hook.next != nullptr ? hook.next->start_hook.previous : last_) = hook.previous;
  submission->start_hook = {};
  size_.fetch_sub(1, std::memory_order_seq_cst);
}

}  // namespace ep::task
