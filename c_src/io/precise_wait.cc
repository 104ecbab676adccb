#include "io/precise_wait.h"

#include <errno.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 35)
#define EP_HAS_EPOLL_PWAIT2 1
#endif

namespace ep::io {
namespace {

#ifdef EP_HAS_EPOLL_PWAIT2
/// Before Linux 5.11 it is missing, and some containers forbid it; either way it fails each time.
bool is_unavailable(int error) { return error == ENOSYS || error == EPERM; }
#endif

}  // namespace

int precise_epoll_wait(int epoll, epoll_event* events, int capacity, Nanos timeout) noexcept {
  if (timeout <= 0) return ::epoll_wait(epoll, events, capacity, 0);
  if (timeout == kNever) return ::epoll_wait(epoll, events, capacity, -1);
#ifdef EP_HAS_EPOLL_PWAIT2
  const timespec limit = to_timespec(timeout);
  const int count = ::epoll_pwait2(epoll, events, capacity, &limit, nullptr);
  if (count >= 0 || !is_unavailable(errno)) return count;
#endif
  const int ready = precise_poll(epoll, timeout);
  return ready > 0 ? ::epoll_wait(epoll, events, capacity, 0) : ready;
}

int precise_poll(int fd, Nanos timeout) noexcept {
  pollfd waiting{fd, POLLIN, 0};
  const timespec limit = to_timespec(timeout);
  return ::ppoll(&waiting, 1, timeout == kNever ? nullptr : &limit, nullptr);
}

void ask_for_precise_timers() noexcept {
  static thread_local bool asked = false;
  if (asked) return;
  asked = true;
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}

}  // namespace ep::io
