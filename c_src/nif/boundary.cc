#include "nif/boundary.h"

#include <algorithm>

#include "beam/binary.h"

namespace ep::nif {

std::string get_text(ErlNifEnv* env, ERL_NIF_TERM term) {
  const auto text = binary_view(env, term);
  if (!text) throw BadArgument();
  return std::string(*text);
}

ERL_NIF_TERM get_field(ErlNifEnv* env, ERL_NIF_TERM map, const char* name) {
  ERL_NIF_TERM value;
  if (!enif_get_map_value(env, map, enif_make_atom(env, name), &value)) throw BadArgument();
  return value;
}

bool get_boolean(const State& state, ERL_NIF_TERM term) {
  const Atoms& atoms = state.services.beam.atoms;
  if (term != atoms.true_ && term != atoms.false_) throw BadArgument();
  return term == atoms.true_;
}

std::uint64_t get_uint64(ErlNifEnv* env, ERL_NIF_TERM term) {
  ErlNifUInt64 value;
  if (!enif_get_uint64(env, term, &value)) throw BadArgument();
  return value;
}

ErlNifPid get_local_pid(ErlNifEnv* env, ERL_NIF_TERM term) {
  ErlNifPid pid;
  if (!enif_get_local_pid(env, term, &pid)) throw BadArgument();
  return pid;
}

ERL_NIF_TERM get_none(const State& state, ERL_NIF_TERM term) {
  const Atoms& atoms = state.services.beam.atoms;
  if (term == atoms.default_) return 0;
  if (term == atoms.none || term == atoms.nil || term == atoms.undefined) return term;
  throw BadArgument();
}

ERL_NIF_TERM died(ErlNifEnv* env, const State& state) {
  const Atoms& atoms = state.services.beam.atoms;
  return enif_make_tuple2(env, atoms.error,
                          enif_make_tuple2(env, atoms.executor_died, atoms.stopped));
}

Nanos get_deadline(ErlNifEnv* env, const State& state, ERL_NIF_TERM term) {
  if (term == state.services.beam.atoms.infinity) return kNever;
  const std::uint64_t most = static_cast<std::uint64_t>(kNever / kMillisecond);
  const std::uint64_t milliseconds = std::min(get_uint64(env, term), most);
  return saturating_add(now(), static_cast<Nanos>(milliseconds) * kMillisecond);
}

}  // namespace ep::nif
