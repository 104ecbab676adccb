// EnvPool: environments for terms that are made, sent as a copy and forgotten, over and over again:
// making an environment takes longer than what is done in it. Any thread.
#pragma once

#include <array>
#include <atomic>

#include "beam/env.h"

namespace ep {

class EnvPool {
 public:
  EnvPool() = default;
  EnvPool(const EnvPool&) = delete;
  EnvPool& operator=(const EnvPool&) = delete;
  ~EnvPool() {
    for (auto& place : free_) const OwnedEnv freed(place.load());
  }

  /// An environment of the pool, empty at first; its terms end with the lease.
  class Lease {
   public:
    Lease() = default;  // none
    explicit Lease(EnvPool& pool) : pool_(&pool), env_(pool.take()) {}
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&& other) noexcept {
      std::swap(pool_, other.pool_);
      env_ = std::move(other.env_);
      return *this;
    }
    ~Lease() {
      if (env_.get() != nullptr) pool_->give(std::move(env_));
    }

    ErlNifEnv* get() const noexcept { return env_.get(); }
    const OwnedEnv& env() const noexcept { return env_; }

   private:
    EnvPool* pool_ = nullptr;
    OwnedEnv env_{nullptr};
  };

 private:
  OwnedEnv take() {
    for (auto& place : free_) {
      if (place.load(std::memory_order_relaxed) == nullptr) continue;
      if (ErlNifEnv* env = place.exchange(nullptr, std::memory_order_acquire)) {
        return OwnedEnv(env);
      }
    }
    return OwnedEnv();
  }

  void give(OwnedEnv env) noexcept {
    env.clear();
    for (auto& place : free_) {
      ErlNifEnv* empty = nullptr;
      if (place.load(std::memory_order_relaxed) != nullptr) continue;
      if (place.compare_exchange_strong(empty, env.get(), std::memory_order_release)) {
        (void)env.release();
        return;
      }
    }
  }

  std::array<std::atomic<ErlNifEnv*>, 8> free_{};
};

}  // namespace ep
