// MapBuilder: a map of any number of pairs, made on a thread that is none of the VM's.
//
// The quick way, enif_make_map_from_arrays(), sorts, and up to the versions below, sorting more
// than 128 keys needs what only a scheduler's thread has: elsewhere the VM crashes
// (https://github.com/erlang/otp/issues/8208). This is the other way: pair by pair. Each put leaves
// the old path to its place in the map behind as garbage, far more in all than the map itself, and
// an environment frees nothing before its end. So what lives moves to a new one each time that the
// map has grown by a half: the memory is bounded by a few times the map's own.
//
// One thread at a time.
#pragma once

#include <cstddef>

#include "beam/env_pool.h"

namespace ep {

/// How many pairs enif_make_map_from_arrays() makes a map of on any thread, in the VM that we are
/// in.
std::size_t most_pairs_anywhere() noexcept;

class MapBuilder {
 public:
  explicit MapBuilder(EnvPool& pool);

  /// Where the terms of the next pair have to be made; until put().
  ErlNifEnv* env() const noexcept { return env_.get(); }

  /// False, and nothing has changed, if the key is there already.
  bool put(ERL_NIF_TERM key, ERL_NIF_TERM value);

  std::size_t size() const noexcept { return size_; }
  ERL_NIF_TERM copy_to(ErlNifEnv* dst) const { return enif_make_copy(dst, map_); }

 private:
  void collect_garbage();

  EnvPool& pool_;
  EnvPool::Lease env_;  // of map_
  ERL_NIF_TERM map_;
  std::size_t size_ = 0;
  std::size_t next_collection_;  // at this size
};

}  // namespace ep
