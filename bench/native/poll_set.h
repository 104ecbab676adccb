// PollSet: an epoll descriptor whose events carry a pointer. Level-triggered. One thread.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <span>

#include "base/unique_fd.h"
#include "posix.h"

namespace ep::bench {

class PollSet {
 public:
  PollSet() : fd_(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

  void add(int fd, std::uint32_t interest, void* owner) {
    control(EPOLL_CTL_ADD, fd, interest, owner);
  }
  void change(int fd, std::uint32_t interest, void* owner) {
    control(EPOLL_CTL_MOD, fd, interest, owner);
  }

  /// Events since the last call, at least one unless the time (ms, -1: none) ran out first.
  std::span<const epoll_event> wait(int timeout_ms) {
    const int n =
        ::epoll_wait(fd_.get(), events_.data(), static_cast<int>(events_.size()), timeout_ms);
    if (n < 0 && errno != EINTR) check(n, "epoll_wait");
    return {events_.data(), static_cast<std::size_t>(n < 0 ? 0 : n)};
  }

 private:
  void control(int operation, int fd, std::uint32_t interest, void* owner) {
    epoll_event event{};
    event.events = interest;
    event.data.ptr = owner;
    check(::epoll_ctl(fd_.get(), operation, fd, &event), "epoll_ctl");
  }

  UniqueFd fd_;
  std::array<epoll_event, 256> events_{};
};

}  // namespace ep::bench
