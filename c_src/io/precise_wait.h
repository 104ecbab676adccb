// Waiting with nanoseconds, whatever this kernel offers.
#pragma once

#include <sys/epoll.h>

#include "base/clock.h"

namespace ep::io {

/// As epoll_wait(); `timeout` kNever waits for ever, 0 or less not at all.
int precise_epoll_wait(int epoll, epoll_event* events, int capacity, Nanos timeout) noexcept;

/// Waits until `fd` is readable. As poll().
int precise_poll(int fd, Nanos timeout) noexcept;

/// By default Linux lets a thread oversleep by 50 µs to save power. Once per thread; idempotent.
void ask_for_precise_timers() noexcept;

}  // namespace ep::io
