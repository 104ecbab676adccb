#include <system_error>

#include "beam/system_error.h"
#include "nif/nifs.h"
#include "task/descriptor_events.h"
#include "task/hosted_loop.h"

namespace ep::nif {
namespace {

using Direction = task::DescriptorEvents::Direction;

task::DescriptorEvents& events_of(ErlNifEnv* env, State& state, ERL_NIF_TERM loop) {
  return get_resource(env, state.services.loops, loop).descriptor_events();
}

int get_fd(ErlNifEnv* env, ERL_NIF_TERM term) {
  int fd;
  if (!enif_get_int(env, term, &fd) || fd < 0) throw BadArgument();
  return fd;
}

ERL_NIF_TERM add(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[], Direction direction) {
  const Atoms& atoms = state.services.beam.atoms;
  task::DescriptorEvents& events = events_of(env, state, argv[0]);
  const int fd = get_fd(env, argv[1]);
  const std::uint64_t callback = get_uint64(env, argv[2]);
  try {
    return enif_make_tuple2(env, atoms.ok,
                            enif_make_uint64(env, events.add(fd, direction, callback)));
  } catch (const std::system_error& error) {
    return error_tuple(env, error.code().value());
  }
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

// poll_events(Loop, Milliseconds | infinity), on a dirty I/O scheduler, since it may wait; it runs
// no Python, nor waits for any.
ERL_NIF_TERM poll_events(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  task::DescriptorEvents& events = events_of(env, state, argv[0]);
  return enif_make_int(env, events.wait(get_deadline(env, state, argv[1])));
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
