#include "task/poll.h"

#include <unistd.h>

namespace ep::task {

Poll::~Poll() {
  if (const int fd = fd_.exchange(-1); fd >= 0) ::close(fd);
}

bool Poll::arm(ErlNifEnv* env, ERL_NIF_TERM undefined) {
  ErlNifPid self;
  enif_self(env, &self);
  if (enif_monitor_process(env, this, &self, &monitor_) != 0) return false;
  return enif_select(env, fd_, ERL_NIF_SELECT_READ, this, nullptr, undefined) >= 0;
}

bool Poll::disarm(ErlNifEnv* env, ERL_NIF_TERM undefined) noexcept {
  const int fd = fd_;
  if (fd < 0) return true;
  constexpr auto kCancelRead =
      static_cast<ErlNifSelectFlags>(ERL_NIF_SELECT_CANCEL | ERL_NIF_SELECT_READ);
  const int cancelled = enif_select(env, fd, kCancelRead, this, nullptr, undefined);
  leave(env);
  enif_demonitor_process(env, this, &monitor_);
  return cancelled >= 0 && (cancelled & ERL_NIF_SELECT_READ_CANCELLED) != 0;
}

void Poll::leave(ErlNifEnv* env) noexcept {
  const int fd = fd_.exchange(-1);
  if (fd < 0) return;
  // The reference is not looked at.
  enif_select(env, fd, ERL_NIF_SELECT_STOP, this, nullptr, enif_make_atom(env, "undefined"));
}

void Poll::down(ErlNifEnv* env, Poll* self, ErlNifPid*, ErlNifMonitor*) { self->leave(env); }

void Poll::stop(ErlNifEnv*, Poll*, ErlNifEvent event, int) { ::close(event); }

}  // namespace ep::task
