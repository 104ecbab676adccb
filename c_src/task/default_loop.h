// DefaultLoop: which hosted loop is the application's default one. Any thread.
#pragma once

#include <mutex>
#include <utility>

#include "beam/resource.h"

namespace ep::task {

class HostedLoop;

class DefaultLoop {
 public:
  void set(ResourceRef<HostedLoop> loop) noexcept {
    std::lock_guard lock(mutex_);
    std::swap(loop_, loop);  // the previous one is let go of without the lock
  }
  /// Null if the application does not run.
  ResourceRef<HostedLoop> get() noexcept {
    std::lock_guard lock(mutex_);
    return loop_;
  }

 private:
  std::mutex mutex_;  // protects the following
  ResourceRef<HostedLoop> loop_;
};

}  // namespace ep::task
