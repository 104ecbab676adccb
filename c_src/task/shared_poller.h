// SharedPoller: a duplicate of the descriptor of a hosted loop's poller, for the VM's poll set,
// which waits for it while the loop is parked. The VM is never given the poller's own: it would
// close that, or be left with a number that has become another file's.
//
//   kNone ── share() ──▶ kOurs      made; to be closed by us
//   kOurs ── arm() ────▶ kTheVms    in the poll set: only the VM knows when it may be closed, and
//                                   does so once it has been asked to remove it
//   kOurs, kTheVms ── share() of another poller descriptor ──▶ kOurs: the former is let go
//   any ── release() ──▶ kNone, and share() and arm() have no effect any more
//
// Only a thread of the VM's may ask it to remove something. What is let go elsewhere is therefore
// kept, until one comes along.
//
// Any thread, unless said otherwise. Knows neither Python nor the VM.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "base/unique_fd.h"

namespace ep::task {

/// The VM's poll set. On its own threads only.
class PollSet {
 public:
  enum class [[nodiscard]] Added : std::uint8_t{kYes, kNo};
  /// Waits once until `fd` is readable.
  virtual Added add(int fd) noexcept = 0;
  /// Closes `fd`, which has been added, at once or later.
  virtual void remove(int fd) noexcept = 0;

 protected:
  ~PollSet() = default;
};

class SharedPoller {
 public:
  /// The loop's thread. Makes a duplicate, unless there is one of this very descriptor. Without
  /// descriptors there is none, until the next time.
  void share(int poll_fd) noexcept;

  /// Puts it into `polls`. kNo: there is none, or it can't be.
  PollSet::Added arm(PollSet& polls) noexcept;

  /// For good. Without `polls`, on a thread that is none of the VM's, what the VM has is kept.
  void release() noexcept;
  void release(PollSet& polls) noexcept;

 private:
  void let_go() noexcept;
  void remove_former(PollSet& polls) noexcept;

  std::mutex mutex_;  // protects the following
  bool released_ = false;
  UniqueFd ours_;            // kOurs
  int the_vms_ = -1;         // kTheVms
  int poll_fd_ = -1;         // what it is a duplicate of
  std::vector<int> former_;  // the VM's, which it has yet to be asked to remove
};

}  // namespace ep::task
