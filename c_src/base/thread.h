// Thread: a named OS thread with a stack of Python's size, whose end can be waited for with a
// bound.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"

namespace ep {

/// Runs `body` on a new thread. Throws std::system_error if there can be none.
///
/// The handle may be dropped while the thread still runs: it then ends on its own, so `body` must
/// own whatever it uses. One thread at a time may use a handle.
class Thread {
 public:
  Thread() = default;
  Thread(const std::string& name, std::function<void()> body);

  /// Waits until the thread has ended. False if it still runs at `deadline`.
  bool join_until(Nanos deadline);

 private:
  struct Ended;
  std::shared_ptr<Ended> ended_;
};

}  // namespace ep
