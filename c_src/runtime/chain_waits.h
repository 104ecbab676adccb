// ChainWaits: the waits for answers from Erlang that a thread is in, one inside of the other, each
// in a chain of nested calls. Knows neither Python nor the VM.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

namespace ep {

class ChainWaits {
 public:
  /// Any thread. Is there a wait?
  bool any() const noexcept { return any_.load(); }
  /// Any thread. One in that chain?
  bool has(std::uint64_t chain) noexcept {
    if (!any()) return false;
    const std::lock_guard lock(mutex_);
    return std::find(chains_.begin(), chains_.end(), chain) != chains_.end();
  }

  // The thread itself.

  void enter(std::uint64_t chain) {
    const std::lock_guard lock(mutex_);
    chains_.push_back(chain);
    any_.store(true);
  }
  void leave() noexcept {
    const std::lock_guard lock(mutex_);
    chains_.pop_back();
    any_.store(!chains_.empty());
  }

 private:
  std::mutex mutex_;                   // protects the following
  std::vector<std::uint64_t> chains_;  // innermost last
  std::atomic<bool> any_{false};       // for those who only want to know
};

}  // namespace ep
