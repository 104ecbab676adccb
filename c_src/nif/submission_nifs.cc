#include "nif/nifs.h"
#include "task/hosted_loop.h"
#include "task/submission.h"

namespace ep::nif {
namespace {

convert::BinaryAs get_binary_as(const Atoms& atoms, ERL_NIF_TERM term) {
  if (term == atoms.auto_) return convert::BinaryAs::kAuto;
  if (term == atoms.str) return convert::BinaryAs::kStr;
  if (term == atoms.bytes) return convert::BinaryAs::kBytes;
  throw BadArgument();
}

/// The options that concern conversions; what they leave open the loop says, or the application.
convert::Options get_options(ErlNifEnv* env, const State& state, const task::HostedLoop& loop,
                             ERL_NIF_TERM map) {
  const Atoms& atoms = state.services.beam.atoms;
  convert::Options options;
  ERL_NIF_TERM value;
  if (enif_get_map_value(env, map, atoms.binary, &value)) {
    options.binary = get_binary_as(atoms, value);
  }
  if (enif_get_map_value(env, map, atoms.none, &value)) options.none = get_none(state, value);
  if (options.none == 0) options.none = loop.none();
  if (options.none == 0) options.none = state.services.none;
  return options;
}

task::Where get_where(const State& state, ERL_NIF_TERM term) {
  const Atoms& atoms = state.services.beam.atoms;
  if (term == atoms.call) return task::Where::kExecutor;
  if (term == atoms.task) return task::Where::kLoop;
  throw BadArgument();
}

ERL_NIF_TERM refusal(ErlNifEnv* env, const State& state, task::HostedLoop::Accepted accepted) {
  const Atoms& atoms = state.services.beam.atoms;
  if (accepted == task::HostedLoop::Accepted::kOverloaded) {
    return enif_make_tuple2(env, atoms.error, atoms.overloaded);
  }
  return died(env, state);
}

/// Raises an exception in what runs on an executor when this is made, from the janitor's thread.
class Interrupt final : public Job {
 public:
  Interrupt(std::shared_ptr<Executor> executor, PyObject* exception)
      : executor_(std::move(executor)), exception_(exception), target_(executor_->innermost()) {}
  void run(const Attached& py) noexcept override { executor_->interrupt(py, target_, exception_); }
  void abandon() noexcept override {}

 private:
  const std::shared_ptr<Executor> executor_;
  PyObject* const exception_;  // lives for ever
  const Executor::Ticket target_;
};

void post_to_janitor(State& state, JobPtr job) {
  abandon(state.python->janitor().post(std::move(job)));
}

}  // namespace

// submit(Loop, call | task, Owner, Tag | self, Request, Options, Milliseconds | infinity, Chain)
ERL_NIF_TERM submit(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  const Atoms& atoms = state.services.beam.atoms;
  task::HostedLoop& loop = get_resource(env, state.services.loops, argv[0]);
  task::SubmissionSpec spec{};
  spec.env = env;
  spec.where = get_where(state, argv[1]);
  spec.owner = get_local_pid(env, argv[2]);
  spec.tag = argv[3] == atoms.self ? 0 : argv[3];
  spec.request = argv[4];
  spec.options = get_options(env, state, loop, argv[5]);
  spec.deadline = get_deadline(env, state, argv[6]);
  spec.chain = get_uint64(env, argv[7]);
  const auto submission = state.services.submissions.make(
      state.services, ResourceRef<task::HostedLoop>::share(&loop), spec);
  const auto accepted = loop.submit(env, submission.get());
  if (accepted != task::HostedLoop::Accepted::kYes) return refusal(env, state, accepted);
  return submission.term(env);
}

// cancel(Submission): ok, no reply will come, or sent, the reply is in the mailbox
ERL_NIF_TERM cancel(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  const Atoms& atoms = state.services.beam.atoms;
  switch (get_resource(env, state.services.submissions, argv[0]).cancel()) {
    case task::Submission::Cancelled::kNoReply:
      return atoms.ok;
    case task::Submission::Cancelled::kReply:
      return atoms.sent;
  }
  throw BadArgument();
}

// submission_state(Submission): pending | sending | sent | cancelled
ERL_NIF_TERM submission_state(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  const Atoms& atoms = state.services.beam.atoms;
  const auto& submission = get_resource(env, state.services.submissions, argv[0]);
  ErlNifPid self;
  enif_self(env, &self);
  if (enif_compare_pids(&self, &submission.owner()) != 0) throw BadArgument();
  switch (submission.progress()) {
    case task::Claim::State::kPending:
      return atoms.pending;
    case task::Claim::State::kSending:
      return atoms.sending;
    case task::Claim::State::kSent:
      return atoms.sent;
    case task::Claim::State::kRevoked:
      return atoms.cancelled;
  }
  throw BadArgument();
}

// interrupt(Loop): KeyboardInterrupt in the call that runs there
ERL_NIF_TERM interrupt(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  task::HostedLoop& loop = get_resource(env, state.services.loops, argv[0]);
  post_to_janitor(state, make_job<Interrupt>(loop.shared_executor(), PyExc_KeyboardInterrupt));
  return state.services.beam.atoms.ok;
}

}  // namespace ep::nif
