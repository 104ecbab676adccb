#include "task/descriptor_events.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <system_error>

#include "base/waker.h"

namespace ep::task {
namespace {

constexpr std::uint64_t kEndToken = ~std::uint64_t{0};

[[noreturn]] void fail(int error, const char* what) {
  throw std::system_error(error, std::generic_category(), what);
}

}  // namespace

DescriptorEvents::DescriptorEvents() : end_fd_(new_eventfd()), queue_(new_queue()) {}

UniqueFd DescriptorEvents::new_queue() const {
  UniqueFd queue(::epoll_create1(EPOLL_CLOEXEC));
  if (!queue) fail(errno, "epoll_create1");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kEndToken;
  if (::epoll_ctl(queue.get(), EPOLL_CTL_ADD, end_fd_.get(), &event) != 0) fail(errno, "epoll_ctl");
  return queue;
}

/// 0 or errno.
int DescriptorEvents::control(int epoll, int operation, int fd,
                              const Descriptor& descriptor) const noexcept {
  epoll_event event{};
  event.events = (descriptor.read != 0 ? EPOLLIN : 0u) | (descriptor.write != 0 ? EPOLLOUT : 0u);
  event.data.u64 = std::uint64_t{descriptor.generation} << 32 | static_cast<std::uint32_t>(fd);
  return ::epoll_ctl(epoll, operation, fd, &event) == 0 ? 0 : errno;
}

int DescriptorEvents::update(int fd, const Descriptor& before,
                             const Descriptor& after) const noexcept {
  const int operation = !before.is_watched()  ? EPOLL_CTL_ADD
                        : !after.is_watched() ? EPOLL_CTL_DEL
                                              : EPOLL_CTL_MOD;
  return control(queue_.get(), operation, fd, after);
}

/// What is watched of the file that has this number now: of another one nothing is, any more.
DescriptorEvents::Descriptor& DescriptorEvents::current(int fd) {
  const auto [found, is_new] = descriptors_.try_emplace(fd);
  Descriptor& descriptor = found->second;
  if (is_new || control(queue_.get(), EPOLL_CTL_MOD, fd, descriptor) != 0) {
    descriptor = {.generation = ++last_generation_};
  }
  return descriptor;
}

std::uint64_t DescriptorEvents::add(int fd, Direction direction, std::uint64_t callback) {
  std::lock_guard lock(mutex_);
  Descriptor& descriptor = current(fd);
  const Descriptor before = descriptor;
  std::uint64_t& watch = direction == Direction::kRead ? descriptor.read : descriptor.write;
  const int error = watch != 0 ? EEXIST : (watch = last_watch_ + 1, update(fd, before, descriptor));
  if (error != 0) {
    descriptor = before;
    if (!before.is_watched()) descriptors_.erase(fd);
    fail(error, "watching a descriptor");
  }
  watches_[++last_watch_] = {fd, direction, callback};
  return last_watch_;
}

bool DescriptorEvents::remove(std::uint64_t number) {
  std::lock_guard lock(mutex_);
  const auto watch = watches_.find(number);
  if (watch == watches_.end()) return false;
  const auto [fd, direction, callback] = watch->second;
  watches_.erase(watch);
  if (is_pending_.erase(number) > 0) std::erase(pending_, number);
  const auto found = descriptors_.find(fd);
  if (found == descriptors_.end()) return true;
  Descriptor& descriptor = found->second;
  const Descriptor before = descriptor;
  std::uint64_t& its = direction == Direction::kRead ? descriptor.read : descriptor.write;
  if (its != number) return true;  // the watch has ended before, with its descriptor
  its = 0;
  update(fd, before, descriptor);  // fails only if the descriptor was closed: then it is gone
  if (!descriptor.is_watched()) descriptors_.erase(found);
  return true;
}

std::size_t DescriptorEvents::collect() {
  std::lock_guard lock(mutex_);
  std::array<epoll_event, 64> events;
  int count;
  do {
    count = ::epoll_wait(queue_.get(), events.data(), static_cast<int>(events.size()), 0);
  } while (count < 0 && errno == EINTR);
  bool all_known = true;
  for (int i = 0; i < count; ++i) all_known &= report(events[i].data.u64, events[i].events);
  if (!all_known) rebuild();
  return pending_.size();
}

/// False: that is none of ours any more.
bool DescriptorEvents::report(std::uint64_t token, std::uint32_t events) {
  if (token == kEndToken) return true;
  const auto found = descriptors_.find(static_cast<int>(static_cast<std::uint32_t>(token)));
  if (found == descriptors_.end() || found->second.generation != token >> 32) return false;
  constexpr std::uint32_t kBoth = EPOLLERR | EPOLLHUP;
  if ((events & (EPOLLIN | kBoth)) != 0) add_pending(found->second.read);
  if ((events & (EPOLLOUT | kBoth)) != 0) add_pending(found->second.write);
  return true;
}

void DescriptorEvents::add_pending(std::uint64_t watch) {
  if (watch != 0 && is_pending_.insert(watch).second) pending_.push_back(watch);
}

void DescriptorEvents::rebuild() {
  UniqueFd queue = new_queue();
  for (auto& [fd, descriptor] : descriptors_) {
    // A number that is another file's by now does not bring that one in.
    if (control(queue_.get(), EPOLL_CTL_MOD, fd, descriptor) == 0) {
      control(queue.get(), EPOLL_CTL_ADD, fd, descriptor);
    }
  }
  queue_ = std::move(queue);
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

UniqueFd DescriptorEvents::descriptor() {
  std::lock_guard lock(mutex_);
  UniqueFd duplicate(::fcntl(queue_.get(), F_DUPFD_CLOEXEC, 0));
  if (!duplicate) fail(errno, "fcntl");
  return duplicate;
}

void DescriptorEvents::end() noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(end_fd_.get(), &one, sizeof one));
}

DescriptorEvents& DescriptorEventsOnUse::get() {
  const std::lock_guard lock(mutex_);
  if (!made_) {
    made_ = std::make_unique<DescriptorEvents>();
    if (ended_) made_->end();
  }
  return *made_;
}

void DescriptorEventsOnUse::end() noexcept {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  if (made_) made_->end();
}

}  // namespace ep::task
