// IoCallback: what a loop tells of a descriptor that is ready.
#pragma once

#include "io/poller.h"
#include "loop/on_loop.h"

namespace ep::loop {

/// All watchers of a loop's poller are such.
class IoCallback : public io::Watcher {
 public:
  /// It must not run Python: it queues what is to be done (EventLoop::queue), so
  /// that all user code runs in the loop's one run phase, in asyncio's order. It may watch and
  /// unwatch, itself and others.
  virtual void on_ready(const OnLoop& py, io::Events ready) noexcept = 0;

 protected:
  ~IoCallback() = default;
};

}  // namespace ep::loop
