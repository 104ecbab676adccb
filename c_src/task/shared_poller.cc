#include "task/shared_poller.h"

#include <fcntl.h>

#include <utility>

namespace ep::task {

void SharedPoller::share(int poll_fd) noexcept {
  const std::lock_guard lock(mutex_);
  if (released_ || poll_fd == poll_fd_) return;
  let_go();
  ours_.reset(::fcntl(poll_fd, F_DUPFD_CLOEXEC, 0));
  poll_fd_ = ours_ ? poll_fd : -1;
}

/// mutex_ held.
void SharedPoller::let_go() noexcept {
  ours_.reset();
  if (the_vms_ >= 0) former_.push_back(std::exchange(the_vms_, -1));
  poll_fd_ = -1;
}

PollSet::Added SharedPoller::arm(PollSet& polls) noexcept {
  remove_former(polls);
  const std::lock_guard lock(mutex_);
  const int fd = ours_ ? ours_.get() : the_vms_;
  if (released_ || fd < 0 || polls.add(fd) == PollSet::Added::kNo) return PollSet::Added::kNo;
  if (ours_) the_vms_ = ours_.release();
  return PollSet::Added::kYes;
}

void SharedPoller::release() noexcept {
  const std::lock_guard lock(mutex_);
  released_ = true;
  let_go();
}

void SharedPoller::release(PollSet& polls) noexcept {
  release();
  remove_former(polls);
}

/// Without the lock, since the VM may call back at once.
void SharedPoller::remove_former(PollSet& polls) noexcept {
  std::vector<int> former;
  {
    const std::lock_guard lock(mutex_);
    former.swap(former_);
  }
  for (const int fd : former) polls.remove(fd);
}

}  // namespace ep::task
