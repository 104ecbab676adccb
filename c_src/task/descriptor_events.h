// DescriptorEvents: readiness of descriptors, collected for Erlang instead of for Python. Behind
// py_nif:add_reader/3 and its siblings, the low-level interface of the guide.
//
// Any thread; a thread inside wait() holds no lock, so descriptors may come and go meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/clock.h"
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

  /// Waits until a watched descriptor is ready, close() is called or the time is over, and adds
  /// what it found to the pending events. Their number.
  int wait(Nanos deadline);
  /// The pending events, each once, in the order of their arrival; none are left.
  std::vector<Pending> take_pending();

  /// Every wait() returns at once from now on.
  void close();

 private:
  struct Watch {
    int fd;
    Direction direction;
    std::uint64_t callback;
  };
  struct Descriptor {
    std::uint64_t read = 0;  // watches, 0 for none
    std::uint64_t write = 0;
  };

  int update(int fd, const Descriptor& before, const Descriptor& after);
  int collect(int fd, std::uint32_t events);
  int add_pending(std::uint64_t watch);

  const UniqueFd epoll_fd_;
  const UniqueFd close_fd_;

  std::mutex mutex_;  // protects the following
  std::uint64_t last_watch_ = 0;
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
  /// As DescriptorEvents::close(), also for what is made later.
  void close();

 private:
  std::mutex mutex_;  // protects the following
  bool closed_ = false;
  std::unique_ptr<DescriptorEvents> made_;  // once
};

}  // namespace ep::task
