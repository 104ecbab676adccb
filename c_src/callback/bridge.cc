#include "callback/bridge.h"

#include <utility>

namespace ep::callback {

void Bridge::set_router(const ErlNifPid& router) {
  std::lock_guard lock(mutex_);
  router_ = router;
  has_router_ = true;
}

void Bridge::forget_router() {
  std::lock_guard lock(mutex_);
  has_router_ = false;
}

bool Bridge::to_router(const OwnedEnv& env, ERL_NIF_TERM message) {
  ErlNifPid router;
  {
    std::lock_guard lock(mutex_);
    if (!has_router_) return false;
    router = router_;
  }
  return enif_send(nullptr, &router, env.get(), message) != 0;
}

void Bridge::add_name(std::string name) {
  std::lock_guard lock(mutex_);
  names_.insert(std::move(name));
}

void Bridge::remove_name(const std::string& name) {
  std::lock_guard lock(mutex_);
  names_.erase(name);
}

bool Bridge::has_name(const std::string& name) {
  std::lock_guard lock(mutex_);
  return names_.contains(name);
}

void Bridge::clear_names() {
  std::lock_guard lock(mutex_);
  names_.clear();
}

}  // namespace ep::callback
