#include "task/open_loops.h"

#include "task/hosted_loop.h"
#include "task/submission.h"

namespace ep::task {

void OpenLoops::add(HostedLoop* loop) {
  std::lock_guard lock(mutex_);
  loops_.insert(loop);
}

void OpenLoops::remove(HostedLoop* loop) noexcept {
  std::lock_guard lock(mutex_);
  loops_.erase(loop);
}

void OpenLoops::close_all(ErlNifEnv* caller, ERL_NIF_TERM why, const Executor* executor) {
  for (const auto& submission : owed(executor)) submission->loop().close(caller, why);
}

/// A loop may be in its destructor, waiting for the lock; not one whose submission is alive.
std::vector<ResourceRef<Submission>> OpenLoops::owed(const Executor* executor) {
  std::vector<ResourceRef<Submission>> out;
  std::lock_guard lock(mutex_);
  for (HostedLoop* const loop : loops_) {
    if (executor != nullptr && &loop->executor() != executor) continue;
    loop->ledger().look_at_one(
        [&](Submission* one) { out.push_back(ResourceRef<Submission>::share(one)); });
  }
  return out;
}

}  // namespace ep::task
