// KeptTerm: a copy of a term that outlives the NIF call that it came with.
//
// An environment of the VM's takes more than 2 KB, whatever is in it: half a process, and a heap of
// 200 words at least. So what is small and made of nothing but atoms, integers, floats, pids of
// this node, short binaries, lists, tuples and maps is packed into memory of our own, a tenth of
// that, and made again when it is needed. All else is kept in an environment.
//
// Made in a NIF. It never changes, so any thread may look at it; `scratch` is the caller's own.
#pragma once

#include <cstdint>
#include <memory>

#include "beam/env_pool.h"

namespace ep {

class KeptTerm {
 public:
  /// `env` is the one of `term`. Throws std::bad_alloc.
  KeptTerm(EnvPool& pool, ErlNifEnv* env, ERL_NIF_TERM term);

  struct Placed {
    ErlNifEnv* env;
    ERL_NIF_TERM term;
  };
  /// The term, in an environment in which it stays as long as this object and `scratch` do.
  Placed in(ErlNifEnv* scratch) const;

 private:
  std::unique_ptr<std::uint64_t[]> packed_;  // null: see below
  EnvPool::Lease env_;
  ERL_NIF_TERM term_ = 0;  // in env_
};

}  // namespace ep
