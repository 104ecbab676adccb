#include "task/loop_worker.h"

#include <algorithm>

#include "beam/env.h"

namespace ep::task {

bool LoopWorker::is(const ErlNifPid& pid) {
  const std::lock_guard lock(mutex_);
  return pid_ && enif_compare_pids(&pid, &*pid_) == 0;
}

void LoopWorker::tell(const Atoms& atoms, const Wait& wait) {
  const std::lock_guard lock(mutex_);
  if (!pid_) return;
  const OwnedEnv env;
  const ERL_NIF_TERM delay =
      wait.longest == kNever
          ? atoms.infinity
          : enif_make_int64(env.get(), std::max<Nanos>(wait.longest, 0) / kMillisecond);
  enif_send(nullptr, &*pid_, env.get(),
            enif_make_tuple4(env.get(), atoms.park, enif_make_uint64(env.get(), wait.number), delay,
                             wait.descriptors ? atoms.true_ : atoms.false_));
}

void LoopWorker::tell_to_retire(const Atoms& atoms) {
  const std::lock_guard lock(mutex_);
  if (pid_) enif_send(nullptr, &*pid_, nullptr, atoms.retire);
}

}  // namespace ep::task
