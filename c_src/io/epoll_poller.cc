#include "io/epoll_poller.h"

#include <errno.h>

#include "base/waker.h"
#include "io/precise_wait.h"

namespace ep::io {
namespace {

constexpr int kBatch = 128;
constexpr std::uint64_t kWakeToken = ~std::uint64_t{0};

std::uint32_t to_epoll(Events interest) {
  return ((interest & kRead) ? std::uint32_t{EPOLLIN} : 0U) |
         ((interest & kWrite) ? std::uint32_t{EPOLLOUT} : 0U);
}

/// Hang-up and error are both directions' business: reading and writing both tell what happened.
Events from_epoll(std::uint32_t events) {
  Events ready = kNothing;
  if (events & ~std::uint32_t{EPOLLOUT}) ready |= kRead;
  if (events & ~std::uint32_t{EPOLLIN}) ready |= kWrite;
  return ready;
}

std::uint64_t token(int fd, std::uint32_t generation) {
  return std::uint64_t{generation} << 32 | static_cast<std::uint32_t>(fd);
}

Nanos timeout_until(Nanos deadline) { return deadline == kNever ? kNever : deadline - now(); }

}  // namespace

std::unique_ptr<Poller> new_poller() { return std::make_unique<EpollPoller>(); }

EpollPoller::EpollPoller() : wake_(new_eventfd()) {}

int EpollPoller::open() {
  if (epoll_) return 0;
  if (!wake_) return EBADF;
  auto events = std::make_unique_for_overwrite<epoll_event[]>(kBatch);
  UniqueFd epoll = new_epoll();
  if (!epoll) return errno;
  epoll_ = std::move(epoll);
  events_ = std::move(events);
  return 0;
}

/// A set with the wake descriptor in it; none, and errno set, on failure.
UniqueFd EpollPoller::new_epoll() const noexcept {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event wake{};
  wake.events = EPOLLIN;
  wake.data.u64 = kWakeToken;
  if (!epoll || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake_.get(), &wake) != 0) return UniqueFd();
  return epoll;
}

int EpollPoller::watch(Watcher& watcher, int fd, Events interest, bool internal) {
  if (fd < 0) return EBADF;
  if (watcher.watched_fd() != fd) unwatch(watcher);
  if (const int error = open()) return error;
  Registration& registration = registrations_.make(fd);
  if (registration.watcher != &watcher) {
    if (registration.watcher != nullptr) forget(registration);
    registration.watcher = &watcher;
    registration.internal = internal;
    watcher.watch_state().fd_ = fd;
    if (!internal) ++watched_;
  }
  // Less than what the kernel was told can wait until it reports something unwanted.
  const bool enough = (interest & ~registration.told) == 0;
  if (!enough) {
    if (const int error = tell(fd, registration, interest)) {
      forget(registration);
      return error;
    }
  }
  watcher.watch_state().interest_ = interest;
  return 0;
}

void EpollPoller::close() noexcept {
  count_ = next_ = 0;
  epoll_.reset();
  wake_.reset();
}

void EpollPoller::unwatch(Watcher& watcher) noexcept {
  const int fd = watcher.watched_fd();
  if (fd < 0) return;
  Registration& registration = *registrations_.find(fd);
  tell(fd, registration, kNothing);
  forget(registration);
}

/// The number no longer belongs to its watcher. What the kernel was told is left as it is.
void EpollPoller::forget(Registration& registration) noexcept {
  Watcher& watcher = *registration.watcher;
  watcher.watch_state().fd_ = -1;
  watcher.watch_state().interest_ = kNothing;
  if (!registration.internal) --watched_;
  registration.watcher = nullptr;
  // Whatever is registered under this number was another file: the next watch() must ask anew.
  registration.told = kNothing;
  ++registration.generation;
  changed_since_collect_ = true;
}

/// Makes the kernel's set for `fd` exactly `interest`. It is the kernel who knows whether the
/// number still means the file that was registered, so either answer is taken as a correction.
int EpollPoller::tell(int fd, Registration& registration, Events interest) noexcept {
  const Events before = registration.told;
  registration.told = kNothing;
  if (interest == kNothing) {
    if (before != kNothing) control(EPOLL_CTL_DEL, fd, registration, interest);
    return 0;
  }
  int error =
      control(before == kNothing ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, registration, interest);
  if (error == EEXIST) error = control(EPOLL_CTL_MOD, fd, registration, interest);
  if (error == ENOENT) error = control(EPOLL_CTL_ADD, fd, registration, interest);
  if (error == 0) registration.told = interest;
  return error;
}

int EpollPoller::control(int operation, int fd, const Registration& registration,
                         Events interest) noexcept {
  epoll_event event{};
  event.events = to_epoll(interest);
  event.data.u64 = token(fd, registration.generation);
  return ::epoll_ctl(epoll_.get(), operation, fd, &event) == 0 ? 0 : errno;
}

void EpollPoller::collect(Nanos deadline) noexcept {
  if (collected()) return;
  if (!epoll_) return wait_without_epoll(timeout_until(deadline));
  changed_since_collect_ = false;
  const int count =
      precise_epoll_wait(epoll_.get(), events_.get(), kBatch, timeout_until(deadline));
  next_ = 0;
  count_ = count > 0 ? count : 0;
  // The wake-up itself is its Waker's business.
  if (count_ == 1 && events_[0].data.u64 == kWakeToken) count_ = 0;
}

void EpollPoller::collect_now() noexcept {
  if (epoll_) collect(0);
}

void EpollPoller::wait_without_epoll(Nanos timeout) noexcept {
  if (timeout > 0) precise_poll(wake_.get(), timeout);
}

Ready EpollPoller::take() noexcept {
  while (next_ < count_) {
    if (const Ready found = ready(events_[next_++])) return found;
  }
  return {};
}

Ready EpollPoller::ready(const epoll_event& event) noexcept {
  if (event.data.u64 == kWakeToken) return {};
  const int fd = static_cast<int>(static_cast<std::uint32_t>(event.data.u64));
  const auto generation = static_cast<std::uint32_t>(event.data.u64 >> 32);
  Registration& registration = *registrations_.find(fd);
  if (registration.watcher == nullptr || registration.generation != generation) {
    if (!changed_since_collect_) rebuild();
    return {};
  }
  Watcher& watcher = *registration.watcher;
  const Events events = from_epoll(event.events) & watcher.interest();
  if (events != kNothing) return {&watcher, events};
  // An interest that was given up lazily: now it costs wake-ups, so the kernel has to know.
  if (tell(fd, registration, watcher.interest()) != 0) forget(registration);
  return {};
}

/// Gets rid of ghosts. If descriptors or memory are short the old set stays, and the next ghost
/// tries again.
void EpollPoller::rebuild() noexcept {
  UniqueFd fresh = new_epoll();
  if (!fresh) return;
  epoll_ = std::move(fresh);
  registrations_.for_each([this](int fd, Registration& registration) {
    if (registration.watcher == nullptr) return;
    registration.told = kNothing;
    // One whose descriptor is gone is never reported, as before.
    tell(fd, registration, registration.watcher->interest());
  });
  changed_since_collect_ = true;
}

}  // namespace ep::io
