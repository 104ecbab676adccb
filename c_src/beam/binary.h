// Binaries from and as bytes in memory.
#pragma once

#include <erl_nif.h>

#include <cstring>
#include <optional>
#include <string_view>

namespace ep {

/// A new binary with a copy of `bytes`.
inline ERL_NIF_TERM make_binary(ErlNifEnv* env, std::string_view bytes) noexcept {
  ERL_NIF_TERM term;
  unsigned char* data = enif_make_new_binary(env, bytes.size(), &term);
  if (!bytes.empty()) std::memcpy(data, bytes.data(), bytes.size());
  return term;
}

/// The bytes of a binary, valid as long as `env` and `term`; none if `term` is anything else.
inline std::optional<std::string_view> binary_view(ErlNifEnv* env, ERL_NIF_TERM term) noexcept {
  ErlNifBinary binary;
  if (!enif_inspect_binary(env, term, &binary)) return std::nullopt;
  return std::string_view(reinterpret_cast<const char*>(binary.data), binary.size);
}

}  // namespace ep
