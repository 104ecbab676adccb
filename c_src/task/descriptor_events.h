// DescriptorEvents: readiness of descriptors, collected for Erlang instead of for Python. Behind
// py_nif:add_reader/3 and its siblings, the low-level interface of the guide.
//
// Never waits: the VM does, for a duplicate of descriptor(), see task/poll.h. Any thread.
//
// A watch ends with its descriptor: when the number comes back as another file it can be watched
// anew. epoll watches open files, not numbers, so one that was closed but lives on in a duplicate
// goes on being reported and can't be removed; the set is then built anew.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace ep::task {

class DescriptorEvents {
 public:
  enum class Direction : std::uint8_t { kRead, kWrite };
  struct Pending {
    std::uint64_t callback;
    Direction direction;
  };

  DescriptorEvents();  // throws std::system_error

  /// Watches `fd`; returns what remove() takes. Throws std::system_error, EEXIST if that direction
  /// of the descriptor is watched already.
  std::uint64_t add(int fd, Direction direction, std::uint64_t callback);
  /// False if there is no such watch.
  bool remove(std::uint64_t watch);

  /// Adds what is ready now to the pending events; how many there are. Throws std::system_error.
  std::size_t collect();
  /// The pending events, each once, in the order of their arrival; none are left.
  std::vector<Pending> take_pending();

  /// A duplicate of the event queue's descriptor, readable when there is something to collect and
  /// after end(). Throws std::system_error.
  UniqueFd descriptor();
  /// Whoever waits has to look.
  void end() noexcept;

 private:
  struct Watch {
    int fd;
    Direction direction;
    std::uint64_t callback;
  };
  struct Descriptor {
    std::uint32_t generation;  // tells its events from those of an earlier file with the number
    std::uint64_t read = 0;    // watches, 0 for none
    std::uint64_t write = 0;
    bool is_watched() const noexcept { return read != 0 || write != 0; }
  };

  UniqueFd new_queue() const;
  int control(int epoll, int operation, int fd, const Descriptor& descriptor) const noexcept;
  int update(int fd, const Descriptor& before, const Descriptor& after) const noexcept;
  Descriptor& current(int fd);
  bool report(std::uint64_t token, std::uint32_t events);
  void add_pending(std::uint64_t watch);
  void rebuild();

  const UniqueFd end_fd_;

  std::mutex mutex_;  // protects the following
  UniqueFd queue_;
  std::uint64_t last_watch_ = 0;
  std::uint32_t last_generation_ = 0;
  std::unordered_map<std::uint64_t, Watch> watches_;
  std::unordered_map<int, Descriptor> descriptors_;
  std::vector<std::uint64_t> pending_;  // watches
  std::unordered_set<std::uint64_t> is_pending_;
};

/// Made on first use: most loops have no such watches. Any thread.
class DescriptorEventsOnUse {
 public:
  /// Throws std::system_error.
  DescriptorEvents& get();
  /// As DescriptorEvents::end(), also for what is made later.
  void end() noexcept;
  bool ended() const noexcept { return ended_; }

 private:
  std::atomic<bool> ended_{false};          // changed with the mutex held
  std::mutex mutex_;                        // protects the following
  std::unique_ptr<DescriptorEvents> made_;  // once
};

}  // namespace ep::task
