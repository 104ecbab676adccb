#include "cpython/api.h"

#include "beam/binary.h"
#include "build_config.h"
#include "nif/nifs.h"

namespace ep::nif {

// start(Tag, #{executable := Binary | <<>>, package_dir := Binary, loop_executors := Count,
//              max_spin := Microseconds, max_pending := Count, sandbox := boolean()})
ERL_NIF_TERM start(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  const auto field = [&](const char* name) { return get_field(env, argv[1], name); };
  State::StartOptions options;
  options.executable = get_text(env, field("executable"));
  if (options.executable.empty()) options.executable = EP_PYTHON_EXECUTABLE;
  options.package_dir = get_text(env, field("package_dir"));
  options.loop_executors = static_cast<unsigned>(get_uint64(env, field("loop_executors")));
  options.max_spin = static_cast<Nanos>(get_uint64(env, field("max_spin"))) * kMicrosecond;
  options.max_pending = get_uint64(env, field("max_pending"));
  options.sandbox = get_boolean(state, field("sandbox"));
  ErlNifPid self;
  enif_self(env, &self);
  state.start(self, argv[0], std::move(options));
  return state.services.beam.atoms.ok;
}

// stop(Tag, Milliseconds)
ERL_NIF_TERM stop(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  if (!state.started()) throw BadArgument();
  ErlNifPid self;
  enif_self(env, &self);
  state.stop(env, self, argv[0], get_deadline(env, state, argv[1]));
  return state.services.beam.atoms.ok;
}

ERL_NIF_TERM build_info(ErlNifEnv* env, State&, const ERL_NIF_TERM[]) {
  ERL_NIF_TERM keys[] = {enif_make_atom(env, "python_version"), enif_make_atom(env, "executable"),
                         enif_make_atom(env, "free_threaded")};
  ERL_NIF_TERM values[] = {make_binary(env, PY_VERSION), make_binary(env, EP_PYTHON_EXECUTABLE),
                           enif_make_atom(env, kFreeThreaded ? "true" : "false")};
  ERL_NIF_TERM map;
  enif_make_map_from_arrays(env, keys, values, 3, &map);
  return map;
}

}  // namespace ep::nif
