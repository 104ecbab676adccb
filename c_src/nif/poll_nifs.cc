#include "nif/nifs.h"
#include "task/descriptor_events.h"
#include "task/hosted_loop.h"
#include "task/poll.h"

namespace ep::nif {
namespace {

using Direction = task::DescriptorEvents::Direction;

task::HostedLoop& get_loop(ErlNifEnv* env, State& state, ERL_NIF_TERM term) {
  return get_resource(env, state.services.loops, term);
}

task::DescriptorEvents& events_of(ErlNifEnv* env, State& state, ERL_NIF_TERM loop) {
  return get_loop(env, state, loop).descriptor_events();
}

int get_fd(ErlNifEnv* env, ERL_NIF_TERM term) {
  int fd;
  if (!enif_get_int(env, term, &fd) || fd < 0) throw BadArgument();
  return fd;
}

ERL_NIF_TERM add(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[], Direction direction) {
  task::HostedLoop& loop = get_loop(env, state, argv[0]);
  const int fd = get_fd(env, argv[1]);
  const std::uint64_t callback = get_uint64(env, argv[2]);
  if (loop.ended()) return died(env, state);
  const std::uint64_t watch = loop.descriptor_events().add(fd, direction, callback);
  return enif_make_tuple2(env, state.services.beam.atoms.ok, enif_make_uint64(env, watch));
}

ERL_NIF_TERM remove(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  if (!events_of(env, state, argv[0]).remove(get_uint64(env, argv[1]))) throw BadArgument();
  return state.services.beam.atoms.ok;
}

}  // namespace

// add_reader(Loop, Fd, CallbackId): {ok, Watch} | {error, Posix}
ERL_NIF_TERM add_reader(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  return add(env, state, argv, Direction::kRead);
}

// add_writer(Loop, Fd, CallbackId)
ERL_NIF_TERM add_writer(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  return add(env, state, argv, Direction::kWrite);
}

// remove_reader(Loop, Watch)
ERL_NIF_TERM remove_reader(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  return remove(env, state, argv);
}

// remove_writer(Loop, Watch)
ERL_NIF_TERM remove_writer(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  return remove(env, state, argv);
}

// poll_collect(Loop): how many events wait for get_pending
ERL_NIF_TERM poll_collect(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  return enif_make_uint64(env, events_of(env, state, argv[0]).collect());
}

// poll_arm(Loop): a Poll, which the caller gets {select, Poll, undefined, ready_input} for, or
// stopped
ERL_NIF_TERM poll_arm(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  const Atoms& atoms = state.services.beam.atoms;
  task::HostedLoop& loop = get_loop(env, state, argv[0]);
  if (loop.ended()) return atoms.stopped;
  const auto poll = state.services.polls.make(loop.descriptor_events().descriptor());
  if (!poll->arm(env, atoms.undefined)) throw BadArgument();
  return poll.term(env);
}

// poll_disarm(Poll): ok, no message will come, or sent, it has come or will
ERL_NIF_TERM poll_disarm(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  const Atoms& atoms = state.services.beam.atoms;
  task::Poll& poll = get_resource(env, state.services.polls, argv[0]);
  return poll.disarm(env, atoms.undefined) ? atoms.ok : atoms.sent;
}

// get_pending(Loop): [{CallbackId, read | write}]
ERL_NIF_TERM get_pending(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  const Atoms& atoms = state.services.beam.atoms;
  const auto pending = events_of(env, state, argv[0]).take_pending();
  ERL_NIF_TERM list = enif_make_list(env, 0);
  for (auto event = pending.rbegin(); event != pending.rend(); ++event) {
    const bool reads = event->direction == Direction::kRead;
    list = enif_make_list_cell(env,
                               enif_make_tuple2(env, enif_make_uint64(env, event->callback),
                                                reads ? atoms.read : atoms.write),
                               list);
  }
  return list;
}

}  // namespace ep::nif
