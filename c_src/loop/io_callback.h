// IoCallback: what a loop tells of a descriptor that is ready.
#pragma once

#include "cpython/attach.h"
#include "io/poller.h"

namespace ep::loop {

/// All watchers of a loop's poller are such.
class IoCallback : public io::Watcher {
 public:
  /// The loop's thread. It must not run Python: it queues what is to be done (EventLoop::queue), so
  /// that all user code runs in the loop's one run phase, in asyncio's order. It may watch and
  /// unwatch, itself and others.
  virtual void on_ready(const Attached& py, io::Events ready) noexcept = 0;

 protected:
  ~IoCallback() = default;
};

}  // namespace ep::loop
