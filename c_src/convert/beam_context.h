// BeamContext: what the NIF library owns and conversions need. Part of its priv_data.
//
// Constant after open(), so every thread may read it.
#pragma once

#include "beam/atoms.h"
#include "beam/map_builder.h"
#include "beam/resource.h"
#include "convert/opaque.h"

namespace ep::convert {

struct BeamContext {
  explicit BeamContext(ErlNifEnv* env) noexcept : atoms(Atoms::make(env)) {}

  /// In the NIF library's load or upgrade callback. False if a resource type can't be registered.
  bool open(ErlNifEnv* env) noexcept {
    return opaque.open(env, "erlang_python_object") && bytes_owner.open(env, "erlang_python_bytes");
  }

  /// See ResourceType::keep().
  void keep() const {
    opaque.keep();
    bytes_owner.keep();
  }

  Atoms atoms;
  ResourceType<OpaqueRef> opaque;
  ResourceType<BytesOwner> bytes_owner;
  /// How many pairs one call may make a map of on our threads.
  std::size_t most_pairs_at_once = most_pairs_anywhere();
};

}  // namespace ep::convert
