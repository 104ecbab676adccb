#include "io/waiting.h"

#include <utility>

#include "io/precise_wait.h"

namespace ep::io {

bool Waiting::spin(const ThreadHost* host, Nanos deadline) {
  // The tick has asked the poller just now, so the first round, which may be the only one, doesn't.
  bool polled_just_now = true;
  return spin_([&] {
    if (doorbell_.rung()) return true;
    if (host != nullptr && host->has_jobs()) return true;
    if (deadline != kNever && deadline <= now()) return true;
    if (!std::exchange(polled_just_now, false)) poller_->collect_now();
    return poller_->collected();
  });
}

void Waiting::sleep(ThreadHost* host, Nanos deadline) {
  ask_for_precise_timers();
  Waker& waker = host != nullptr ? host->waker() : own_waker_;
  const Nanos began = now();
  doorbell_.sleep_unless_rung(
      waker, poller_->wake_descriptor(), [&] { return host != nullptr && host->has_jobs(); },
      [&] { poller_->collect(deadline); });
  // How long nothing came says whether spinning would have been worth it; a timer says nothing.
  const Nanos ended = now();
  if (ended < deadline) spin_.slept_for(ended - began);
}

}  // namespace ep::io
