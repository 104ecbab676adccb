#include "task/descriptor_events.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "base/waker.h"

namespace ep::task {
namespace {

[[noreturn]] void fail(int error, const char* what) {
  throw std::system_error(error, std::generic_category(), what);
}

int new_epoll() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) fail(errno, "epoll_create1");
  return fd;
}

}  // namespace

DescriptorEvents::DescriptorEvents() : epoll_fd_(new_epoll()), close_fd_(new_eventfd()) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = close_fd_.get();
  if (::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_ADD, close_fd_.get(), &event) != 0) {
    fail(errno, "epoll_ctl");
  }
}

int DescriptorEvents::update(int fd, const Descriptor& before, const Descriptor& after) {
  const auto mask = [](const Descriptor& descriptor) -> std::uint32_t {
    return (descriptor.read != 0 ? EPOLLIN : 0u) | (descriptor.write != 0 ? EPOLLOUT : 0u);
  };
  epoll_event event{};
  event.events = mask(after);
  event.data.fd = fd;
  const int operation = mask(before) == 0  ? EPOLL_CTL_ADD
                        : mask(after) == 0 ? EPOLL_CTL_DEL
                                           : EPOLL_CTL_MOD;
  return ::epoll_ctl(epoll_fd_.get(), operation, fd, &event) == 0 ? 0 : errno;
}

std::uint64_t DescriptorEvents::add(int fd, Direction direction, std::uint64_t callback) {
  std::lock_guard lock(mutex_);
  Descriptor& descriptor = descriptors_[fd];
  const Descriptor before = descriptor;
  std::uint64_t& watch = direction == Direction::kRead ? descriptor.read : descriptor.write;
  const int error = watch != 0 ? EEXIST : (watch = last_watch_ + 1, update(fd, before, descriptor));
  if (error != 0) {
    descriptor = before;
    if (before.read == 0 && before.write == 0) descriptors_.erase(fd);
    fail(error, "watching a descriptor");
  }
  watches_[++last_watch_] = {fd, direction, callback};
  return last_watch_;
}

bool DescriptorEvents::remove(std::uint64_t number) {
  std::lock_guard lock(mutex_);
  const auto found = watches_.find(number);
  if (found == watches_.end()) return false;
  const auto [fd, direction, callback] = found->second;
  watches_.erase(found);
  Descriptor& descriptor = descriptors_[fd];
  const Descriptor before = descriptor;
  (direction == Direction::kRead ? descriptor.read : descriptor.write) = 0;
  update(fd, before, descriptor);  // fails only if the descriptor was closed: then it is gone
  if (descriptor.read == 0 && descriptor.write == 0) descriptors_.erase(fd);
  if (is_pending_.erase(number) > 0) std::erase(pending_, number);
  return true;
}

int DescriptorEvents::wait(Nanos deadline) {
  std::array<epoll_event, 64> events;
  int count;
  do {
    const Nanos left = deadline == kNever ? -1 : std::max<Nanos>(deadline - now(), 0);
    const Nanos milliseconds = left < 0 ? -1 : (left + kMillisecond - 1) / kMillisecond;
    count = ::epoll_wait(epoll_fd_.get(), events.data(), static_cast<int>(events.size()),
                         static_cast<int>(std::min<Nanos>(milliseconds, 1 << 30)));
  } while (count < 0 && errno == EINTR);
  std::lock_guard lock(mutex_);
  int found = 0;
  for (int i = 0; i < count; ++i) found += collect(events[i].data.fd, events[i].events);
  return found;
}

int DescriptorEvents::collect(int fd, std::uint32_t events) {
  const auto found = descriptors_.find(fd);
  if (found == descriptors_.end()) return 0;  // removed meanwhile, or the closing one
  constexpr std::uint32_t kBoth = EPOLLERR | EPOLLHUP;
  int count = 0;
  if ((events & (EPOLLIN | kBoth)) != 0) count += add_pending(found->second.read);
  if ((events & (EPOLLOUT | kBoth)) != 0) count += add_pending(found->second.write);
  return count;
}

int DescriptorEvents::add_pending(std::uint64_t watch) {
  if (watch == 0 || !is_pending_.insert(watch).second) return 0;
  pending_.push_back(watch);
  return 1;
}

std::vector<DescriptorEvents::Pending> DescriptorEvents::take_pending() {
  std::lock_guard lock(mutex_);
  std::vector<Pending> out;
  for (const std::uint64_t number : pending_) {
    const Watch& watch = watches_.at(number);
    out.push_back({watch.callback, watch.direction});
  }
  pending_.clear();
  is_pending_.clear();
  return out;
}

void DescriptorEvents::close() {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(close_fd_.get(), &one, sizeof one));
}

DescriptorEvents& DescriptorEventsOnUse::get() {
  const std::lock_guard lock(mutex_);
  if (!made_) {
    made_ = std::make_unique<DescriptorEvents>();
    if (closed_) made_->close();
  }
  return *made_;
}

void DescriptorEventsOnUse::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  if (made_) made_->close();
}

}  // namespace ep::task
