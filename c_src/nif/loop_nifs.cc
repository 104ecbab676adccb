#include "nif/nifs.h"
#include "task/hosted_loop.h"

namespace ep::nif {
namespace {

ERL_NIF_TERM make_loop(ErlNifEnv* env, State& state, std::shared_ptr<Executor> executor,
                       bool owns_executor) {
  const Atoms& atoms = state.services.beam.atoms;
  if (!executor) return enif_make_tuple2(env, atoms.error, atoms.not_started);
  const auto loop = state.services.loops.make(state.services, std::move(executor), owns_executor);
  return enif_make_tuple2(env, atoms.ok, loop.term(env));
}

task::HostedLoop& get_loop(ErlNifEnv* env, State& state, ERL_NIF_TERM term) {
  return get_resource(env, state.services.loops, term);
}

ERL_NIF_TERM boolean(const State& state, bool value) {
  return value ? state.services.beam.atoms.true_ : state.services.beam.atoms.false_;
}

}  // namespace

// context_new(Name)
ERL_NIF_TERM context_new(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  return make_loop(env, state, state.new_executor(get_text(env, argv[0])), true);
}

ERL_NIF_TERM event_loop_new(ErlNifEnv* env, State& state, const ERL_NIF_TERM[]) {
  return make_loop(env, state, state.loop_executor(), false);
}

// event_loop_set_default(Loop)
ERL_NIF_TERM event_loop_set_default(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  task::HostedLoop& loop = get_loop(env, state, argv[0]);
  state.services.default_loop.set(ResourceRef<task::HostedLoop>::share(&loop));
  return state.services.beam.atoms.ok;
}

// event_loop_set_worker(Loop, Pid)
ERL_NIF_TERM event_loop_set_worker(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  task::HostedLoop& loop = get_loop(env, state, argv[0]);
  if (loop.ended()) return died(env, state);
  if (!loop.set_worker(env, get_local_pid(env, argv[1]))) throw BadArgument();
  return state.services.beam.atoms.ok;
}

// loop_arm(Loop), by the worker
ERL_NIF_TERM loop_arm(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  return boolean(state, get_loop(env, state, argv[0]).arm(env));
}

// loop_wake(Loop, ParkNumber), by the worker
ERL_NIF_TERM loop_wake(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  get_loop(env, state, argv[0]).wake(get_uint64(env, argv[1]));
  return state.services.beam.atoms.ok;
}

// loop_close(Loop, Why)
ERL_NIF_TERM loop_close(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  get_loop(env, state, argv[0]).close(env, argv[1]);
  return state.services.beam.atoms.ok;
}

// set_none(Loop | default, none | nil | undefined | default)
ERL_NIF_TERM set_none(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  const ERL_NIF_TERM none = get_none(state, argv[1]);
  if (argv[0] == state.services.beam.atoms.default_) {
    state.services.none = none;
  } else {
    get_loop(env, state, argv[0]).set_none(none);
  }
  return state.services.beam.atoms.ok;
}

// loop_is_blocked(Loop): does its thread wait in erlang.call?
ERL_NIF_TERM loop_is_blocked(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  return boolean(state, get_loop(env, state, argv[0]).executor().waits());
}

// event_loop_destroy(Loop)
ERL_NIF_TERM event_loop_destroy(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  get_loop(env, state, argv[0]).close(env, state.services.beam.atoms.stopped);
  return state.services.beam.atoms.ok;
}

}  // namespace ep::nif
