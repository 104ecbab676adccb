// EpollPoller: Poller over one epoll descriptor, opened at the first watch().
//
// Events carry a descriptor number and the generation of its registration. What epoll reports of
// a registration that is no longer ours is dropped; that matters twice:
//  - an event collected before an unwatch() must not reach the descriptor's next watcher;
//  - epoll watches open files, not numbers. A file whose number was closed behind our back, but
//    which lives on in a duplicate, goes on being reported and can't be removed any more. Such a
//    ghost would keep the loop awake for ever, so the epoll set is then built anew.
#pragma once

#include <sys/epoll.h>

#include <memory>

#include "base/unique_fd.h"
#include "io/fd_table.h"
#include "io/poller.h"

namespace ep::io {

class EpollPoller final : public Poller {
 public:
  EpollPoller();

  int watch(Watcher& watcher, int fd, Events interest, bool internal) override;
  void unwatch(Watcher& watcher) noexcept override;
  void collect(Nanos deadline) noexcept override;
  void collect_now() noexcept override;
  bool collected() const noexcept override { return next_ < count_; }
  Ready take() noexcept override;
  std::size_t watched() const noexcept override { return watched_; }
  int descriptor() const noexcept override { return epoll_.get(); }
  int wake_descriptor() const noexcept override { return wake_.get(); }
  void close() noexcept override;

 private:
  /// What the kernel has been told about one descriptor number.
  struct Registration {
    Watcher* watcher = nullptr;
    std::uint32_t generation = 0;
    Events told = kNothing;  // may lag behind the watcher's interest, and contain more than it
    bool internal = false;
  };

  int open();
  UniqueFd new_epoll() const noexcept;
  int tell(int fd, Registration& registration, Events interest) noexcept;
  int control(int operation, int fd, const Registration& registration, Events interest) noexcept;
  void forget(Registration& registration) noexcept;
  Ready ready(const epoll_event& event) noexcept;
  void rebuild() noexcept;
  void wait_without_epoll(Nanos timeout) noexcept;

  UniqueFd epoll_;
  UniqueFd wake_;
  FdTable<Registration> registrations_;
  std::size_t watched_ = 0;

  // What collect() found and take() has not given out. The array exists with epoll_.
  std::unique_ptr<epoll_event[]> events_;
  int count_ = 0;
  int next_ = 0;
  bool changed_since_collect_ = false;  // so a stale event proves no ghost
};

}  // namespace ep::io
