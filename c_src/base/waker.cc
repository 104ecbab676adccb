#include "base/waker.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <system_error>

namespace ep {

void Waker::wake() noexcept {
  if (armed_.load(std::memory_order_seq_cst) == kAwake) return;
  const int fd = armed_.exchange(kAwake, std::memory_order_seq_cst);
  if (fd == kAwake) return;  // another thread is waking it
  const std::uint64_t one = 1;
  while (::write(fd, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void Waker::disarm(int eventfd) noexcept {
  if (armed_.exchange(kAwake, std::memory_order_seq_cst) != kAwake) return;
  std::uint64_t count;
  while (::read(eventfd, &count, sizeof count) < 0) {
    // The waker took the descriptor but has not written yet; it will, within microseconds.
    pollfd waiting{eventfd, POLLIN, 0};
    ::poll(&waiting, 1, -1);
  }
}

int new_eventfd() {
  const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return fd;
}

}  // namespace ep
