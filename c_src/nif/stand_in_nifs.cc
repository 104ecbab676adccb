#include "nif/nifs.h"
#include "task/hosted_loop.h"

namespace ep::nif {
namespace {

/// On the thread of a context: ends its service if it is not needed.
class Retirement final : public Job {
 public:
  Retirement(ResourceRef<task::HostedLoop> loop, Nanos idle)
      : loop_(std::move(loop)), idle_(idle) {}
  void run(const Attached& py) noexcept override { loop_->retire_if_idle(py, idle_); }
  void abandon() noexcept override {}

 private:
  const ResourceRef<task::HostedLoop> loop_;
  const Nanos idle_;
};

}  // namespace

// stand_in_keeper(Pid)
ERL_NIF_TERM stand_in_keeper(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  state.services.stand_ins.set_keeper(env, get_local_pid(env, argv[0]));
  return state.services.beam.atoms.ok;
}

// stand_in_add(Loop, MadeForIt)
ERL_NIF_TERM stand_in_add(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  task::HostedLoop& loop = get_resource(env, state.services.loops, argv[0]);
  const bool made_for_it = argv[1] == state.services.beam.atoms.true_;
  state.services.stand_ins.add(ResourceRef<task::HostedLoop>::share(&loop), made_for_it);
  return state.services.beam.atoms.ok;
}

// stand_in_demand(): {Asking, Served}
ERL_NIF_TERM stand_in_demand(ErlNifEnv* env, State& state, const ERL_NIF_TERM[]) {
  const auto demand = state.services.stand_ins.demand();
  return enif_make_tuple2(env, enif_make_uint64(env, demand.asking),
                          enif_make_uint64(env, demand.served));
}

// stand_in_refuse(): what is in the queues that ask is answered with overloaded
ERL_NIF_TERM stand_in_refuse(ErlNifEnv* env, State& state, const ERL_NIF_TERM[]) {
  state.services.stand_ins.refuse(env);
  return state.services.beam.atoms.ok;
}

// stand_in_retire(Loop, IdleMilliseconds)
ERL_NIF_TERM stand_in_retire(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  task::HostedLoop& loop = get_resource(env, state.services.loops, argv[0]);
  const Nanos idle = static_cast<Nanos>(get_uint64(env, argv[1])) * kMillisecond;
  abandon(loop.executor().post(
      make_job<Retirement>(ResourceRef<task::HostedLoop>::share(&loop), idle)));
  return state.services.beam.atoms.ok;
}

}  // namespace ep::nif
