// OwnedEnv: a process-independent NIF environment: terms that outlive a NIF call.
//
// One thread at a time. Terms made in it die with it, or when clear() or a send takes them.
#pragma once

#include <erl_nif.h>

#include <utility>

namespace ep {

class OwnedEnv {
 public:
  OwnedEnv() : env_(enif_alloc_env()) {}
  /// Takes over one that enif_alloc_env() has made, or none.
  explicit OwnedEnv(ErlNifEnv* env) noexcept : env_(env) {}
  OwnedEnv(OwnedEnv&& other) noexcept : env_(std::exchange(other.env_, nullptr)) {}
  OwnedEnv& operator=(OwnedEnv&& other) noexcept {
    std::swap(env_, other.env_);
    return *this;
  }
  OwnedEnv(const OwnedEnv&) = delete;
  OwnedEnv& operator=(const OwnedEnv&) = delete;
  ~OwnedEnv() {
    if (env_ != nullptr) enif_free_env(env_);
  }

  ErlNifEnv* get() const noexcept { return env_; }
  ERL_NIF_TERM copy(ERL_NIF_TERM term) const { return enif_make_copy(env_, term); }
  void clear() noexcept { enif_clear_env(env_); }
  [[nodiscard]] ErlNifEnv* release() noexcept { return std::exchange(env_, nullptr); }

 private:
  ErlNifEnv* env_;
};

}  // namespace ep
