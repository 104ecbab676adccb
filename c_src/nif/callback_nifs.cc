#include "callback/pending_call.h"
#include "nif/nifs.h"

namespace ep::nif {

// set_router(Pid)
ERL_NIF_TERM set_router(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  state.bridge.set_router(get_local_pid(env, argv[0]));
  return state.services.beam.atoms.ok;
}

// add_name(Name)
ERL_NIF_TERM add_name(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  state.bridge.add_name(get_text(env, argv[0]));
  return state.services.beam.atoms.ok;
}

// remove_name(Name)
ERL_NIF_TERM remove_name(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  state.bridge.remove_name(get_text(env, argv[0]));
  return state.services.beam.atoms.ok;
}

// callback_reply(Call, {ok, Value} | {error, Class, Reason, Stack}): false if nobody waits any more
ERL_NIF_TERM callback_reply(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  const Atoms& atoms = state.services.beam.atoms;
  callback::PendingCall& call = get_resource(env, state.bridge.calls, argv[0]);
  int arity;
  const ERL_NIF_TERM* fields;
  const bool good =
      enif_get_tuple(env, argv[1], &arity, &fields) != 0 &&
      ((arity == 2 && fields[0] == atoms.ok) || (arity == 4 && fields[0] == atoms.error));
  if (!good) throw BadArgument();
  return call.answer(argv[1]) ? atoms.true_ : atoms.false_;
}

}  // namespace ep::nif
