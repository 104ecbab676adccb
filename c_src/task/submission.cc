#include "task/submission.h"

#include <utility>

#include "cpython/error.h"
#include "cpython/slot.h"
#include "loop/running_scope.h"
#include "task/delivery_type.h"
#include "task/hosted_loop.h"
#include "task/invoke.h"
#include "task/python_names.h"
#include "task/services.h"

namespace ep::task {
namespace {

/// Something that has elements becomes a term of any size.
bool has_elements(PyObject* value) noexcept {
  return PyList_Check(value) || PyTuple_Check(value) || PyDict_Check(value) ||
         PyAnySet_Check(value);
}

}  // namespace

Submission::Submission(Services& services, ResourceRef<HostedLoop> loop, const SubmissionSpec& spec)
    : services_(services),
      loop_(std::move(loop)),
      place_(loop_.get()),
      chain_(spec.chain != 0 ? spec.chain : services.last_chain.fetch_add(1) + 1),
      owner_(spec.owner),
      has_tag_(spec.tag != 0),
      terms_(services.envs, spec.env,
             has_tag_ ? enif_make_tuple2(spec.env, spec.tag, spec.request) : spec.request),
      where_(spec.where),
      options_(spec.options),
      deadline_(spec.deadline) {}

ResourceRef<Submission> Submission::current(const Attached& py) noexcept {
  const Executor* const executor = Executor::current();
  Work* const work = executor != nullptr ? executor->work() : nullptr;
  // In a loop's own tick it depends on the callback.
  if (auto* const submission = dynamic_cast<Submission*>(work)) {
    return ResourceRef<Submission>::share(submission);
  }
  return submission_of_context(py);
}

Work& Submission::host() noexcept { return place(); }

StartQueue& Submission::queue() const noexcept {
  return where_ == Where::kLoop ? loop_->tasks() : loop_->calls();
}

/// Does the thread of its loop wait in its own chain?
bool Submission::is_waited_for() const noexcept { return loop_->executor().waits_for(chain_); }

bool Submission::post(ErlNifEnv* caller) noexcept {
  is_ticket_ = !is_waited_for();
  return post_as(caller, queued(this), is_ticket_);
}

/// A job is a ticket: whoever runs it starts the oldest of the queue, so that the order stays what
/// it was when another thread has taken some. What belongs to a chain that the thread waits in is
/// meant itself, and runs there, on top of the code that waits; as the loop may be blocked by that,
/// not in a tick.
bool Submission::post_as(ErlNifEnv* caller, JobPtr job, bool is_ticket) noexcept {
  job->chain = is_ticket ? 0 : chain_;
  if (is_ticket) queue().push(this);
  const bool in_loop = is_ticket && where_ == Where::kLoop;
  Executor& executor = loop_->executor();
  if (in_loop ? loop_->post_to_loop(std::move(job)) : executor.post(std::move(job))) {
    if (is_ticket) queue().remove(this);
    return false;
  }
  if (executor.is_held_up() || services_.stand_ins.other_threads_wait()) {
    services_.stand_ins.look_after(caller, *loop_);
  }
  return true;
}

/// By what has been posted, on the thread of its loop.
void Submission::redeem(const Attached& py, bool is_ticket) noexcept {
  if (!is_ticket) return start_at(py, loop_);
  if (const auto oldest = queue().pop()) oldest->start_at(py, loop_);
  services_.stand_ins.offer_if_asked();
}

/// By what has been posted and won't run. There are at least as many tickets as there is in the
/// queue, so nothing stays in it.
void Submission::give_back(bool is_ticket) noexcept {
  const auto meant = is_ticket ? queue().pop() : ResourceRef<Submission>::share(this);
  if (meant) meant->fail_loop_died(nullptr, services_.beam.atoms.stopped);
}

class Submission::Continuation final : public Job {
 public:
  Continuation(Submission& owner, bool is_ticket)
      : owner_(ResourceRef<Submission>::share(&owner)), is_ticket_(is_ticket) {}
  void run(const Attached& py) noexcept override { owner_->redeem(py, is_ticket_); }
  void abandon() noexcept override { owner_->give_back(is_ticket_); }

 private:
  const ResourceRef<Submission> owner_;
  const bool is_ticket_;
};

// ---- doing the work, on the executor's thread

void Submission::run(const Attached& py) noexcept { redeem(py, is_ticket_); }

void Submission::abandon() noexcept { give_back(is_ticket_); }

void Submission::start_at(const Attached& py, const ResourceRef<HostedLoop>& place) noexcept {
  if (place.get() != loop_.get()) {
    place->has_guest();
    other_place_ = place;
  }
  place_.store(place.get());
  {
    const Running running(py, place->executor(), *this, chain_);
    // Asked after registering: a cancellation either shows here or finds what it has to interrupt.
    if (claim_.is_open()) perform_pending(py);
  }
  // An interruption that came when the code had just made its task has been taken back.
  if (!claim_.is_open()) cancel_task(py);
  place->look_for_work();
}

void Submission::perform_pending(const Attached& py) noexcept {
  try {
    if (place().executor().inside_wait()) {
      const loop::NoLoopScope nested(py);
      if (!nested.entered()) throw PythonError();
      perform(py);
    } else {
      perform(py);
    }
  } catch (const PythonError&) {
    fail_with_error(py);
  } catch (const std::exception& error) {
    set_error_from_cpp_exception();
    fail_with_error(py);
  }
  PyErr_Clear();  // an interruption that came too late to matter
}

void Submission::perform(const Attached& py) {
  if (continuation_) {
    const PyRef continuation = continuation_.take(py);
    PyRef value = PyRef::steal(PyObject_CallNoArgs(continuation.get()));
    if (!value) return fail_with_error(py);
    return handle(py, std::move(value));
  }
  Problem problem;
  const EnvPool::Lease scratch(services_.envs);
  const auto [env, request] = this->request(scratch.get());
  PyRef value = invoke(py, services_, env, request, options_, problem);
  if (!value) return fail(py, problem);
  handle(py, std::move(value));
}

void Submission::handle(const Attached& py, PyRef value) {
  if (services_.forked.here()) services_.forked.end(py, nullptr);
  while (Py_TYPE(value.get()) == names_of(py).schedule_marker.type()) {
    const PyRef is_inline = PyRef::steal(PyObject_GetAttr(value.get(), names_of(py).inline_));
    PyRef continuation =
        is_inline ? PyRef::steal(PyObject_CallMethodNoArgs(value.get(), names_of(py).take))
                  : PyRef();
    if (!continuation) return fail_with_error(py);
    if (is_inline.get() != Py_True) {
      continuation_ = DeferredRef(py, std::move(continuation), py.interpreter().drops);
      return continue_later();
    }
    value = PyRef::steal(PyObject_CallNoArgs(continuation.get()));
    if (!value) return fail_with_error(py);
  }
  const PyAsyncMethods* const async = Py_TYPE(value.get())->tp_as_async;
  if (async == nullptr || async->am_await == nullptr) return succeed(py, value.get());
  if (!place().executor().inside_wait()) return start_task(py, value.get());
  // What waits below blocks this thread, and with it the loop.
  value = PyRef::steal(PyObject_CallOneArg(names_of(py).run_nested, value.get()));
  return value ? succeed(py, value.get()) : fail_with_error(py);
}

void Submission::continue_later() {
  const bool is_ticket = !is_waited_for();
  if (!post_as(nullptr, make_job<Continuation>(*this, is_ticket), is_ticket)) {
    fail_loop_died(nullptr, services_.beam.atoms.stopped);
  }
}

void Submission::start_task(const Attached& py, PyObject* awaitable) {
  PyObject* const loop = place().python_loop(py);
  if (loop == nullptr) return fail_with_error(py);
  const PyRef task = new_task(py, loop, awaitable, ResourceRef<Submission>::share(this));
  if (!task) return fail_with_error(py);
  task_ = DeferredRef(py, task, py.interpreter().drops);
  task_started_.store(true);
  // Cancelled meanwhile, perhaps, by somebody who saw no task yet.
  if (!claim_.is_open()) cancel_task(py);
}

void Submission::cancel_task(const Attached& py) noexcept {
  if (!task_) return;
  const PyRef result = PyRef::steal(PyObject_CallMethodNoArgs(task_.get(py), names_of(py).cancel));
  if (!result) PyErr_Clear();
}

void Submission::finish_task(const Attached& py, PyObject* task) noexcept {
  const PyRef done = task_.take(py);
  const PyRef value = PyRef::steal(PyObject_CallMethodNoArgs(task, names_of(py).result));
  if (!value) return fail_with_error(py);
  if (Py_TYPE(value.get()) != names_of(py).schedule_marker.type()) {
    return succeed(py, value.get());
  }
  handle(py, PyRef::borrow(value.get()));
}

void Submission::lose_task(const Attached& py) noexcept {
  if (services_.forked.here() || !claim_.is_open()) return;
  const SavedError saved(py);
  PyErr_SetString(PyExc_RuntimeError, "the task was dropped before it was done");
  fail_with_error(py);
}

// ---- its terms

namespace {

ERL_NIF_TERM element(const KeptTerm::Placed& tuple, int position) noexcept {
  int arity;
  const ERL_NIF_TERM* elements;
  enif_get_tuple(tuple.env, tuple.term, &arity, &elements);
  return elements[position];
}

}  // namespace

KeptTerm::Placed Submission::request(ErlNifEnv* scratch) const noexcept {
  const KeptTerm::Placed placed = terms_.in(scratch);
  return has_tag_ ? KeptTerm::Placed{placed.env, element(placed, 1)} : placed;
}

ERL_NIF_TERM Submission::tag(const OwnedEnv& env) noexcept {
  if (!has_tag_) return enif_make_resource(env.get(), this);
  return env.copy(element(terms_.in(env.get()), 0));
}

// ---- the one reply

Claim::Result Submission::revoke() noexcept {
  const Claim::Result result = claim_.revoke();
  if (result == Claim::Result::kOurs) loop_->ledger().remove(this);
  return result;
}

/// The result is made before the submission is claimed: that may take long, or run Python code, and
/// meanwhile a cancellation must win without waiting.
void Submission::reply(ErlNifEnv* caller, const OwnedEnv& env, ERL_NIF_TERM result,
                       Send send) noexcept {
  if (services_.forked.here() || claim_.answer() == Claim::Result::kTooLate) return;
  loop_->ledger().remove(this);
  enif_send(caller, &owner_, send == Send::kMove ? env.get() : nullptr,
            enif_make_tuple3(env.get(), services_.beam.atoms.async_result, tag(env), result));
  claim_.sent();
}

void Submission::succeed(const Attached& py, PyObject* value) noexcept {
  if (!claim_.is_open()) return;
  const EnvPool::Lease lease(services_.envs);
  ErlNifEnv* const env = lease.get();
  ERL_NIF_TERM term;
  Problem problem;
  problem.kind = Problem::Kind::kConversion;
  if (!convert::codec_of(py).to_term(py, env, value, options_, &term, problem.failure)) {
    return fail(py, problem);
  }
  reply(nullptr, lease.env(), enif_make_tuple2(env, services_.beam.atoms.ok, term),
        has_elements(value) ? Send::kMove : Send::kCopy);
}

void Submission::reply_error(ErlNifEnv* caller, const OwnedEnv& env, ERL_NIF_TERM reason) noexcept {
  reply(caller, env, enif_make_tuple2(env.get(), services_.beam.atoms.error, reason), Send::kCopy);
}

void Submission::fail(const Attached& py, const Problem& problem) noexcept {
  const Atoms& atoms = services_.beam.atoms;
  const EnvPool::Lease lease(services_.envs);
  const OwnedEnv& env = lease.env();
  switch (problem.kind) {
    case Problem::Kind::kPythonError:
      return fail_with_error(py);
    case Problem::Kind::kConversion:
      return reply_error(nullptr, env, problem.failure.reason(env.get(), atoms));
    case Problem::Kind::kNotFound:
      return reply_error(nullptr, env,
                         enif_make_tuple3(env.get(), atoms.not_found, env.copy(problem.module),
                                          env.copy(problem.function)));
  }
}

void Submission::fail_with_error(const Attached& py) noexcept {
  const PyRef exception = take_error(py);
  if (services_.forked.here()) services_.forked.end(py, exception);
  if (!claim_.is_open()) return;
  const EnvPool::Lease lease(services_.envs);
  const OwnedEnv& env = lease.env();
  // At the deadline the code may be faster than the caller, who must not see a difference.
  const bool too_late =
      now() >= deadline_ && PyErr_GivenExceptionMatches(exception.get(), PyExc_TimeoutError) != 0;
  reply_error(nullptr, env,
              too_late ? services_.beam.atoms.timeout
                       : convert::codec_of(py).exception_reason(py, env.get(), exception.get()));
}

void Submission::refuse(ErlNifEnv* caller) noexcept {
  const OwnedEnv env;
  reply_error(caller, env, services_.beam.atoms.overloaded);
}

void Submission::fail_loop_died(ErlNifEnv* caller, ERL_NIF_TERM why) noexcept {
  const OwnedEnv env;
  reply_error(caller, env,
              enif_make_tuple2(env.get(), services_.beam.atoms.executor_died, env.copy(why)));
  cancellation_.begin();
}

// ---- cancelling

Submission::Cancelled Submission::cancel() noexcept {
  if (revoke() == Claim::Result::kOurs) cancellation_.begin();
  return progress() == Claim::State::kRevoked ? Cancelled::kNoReply : Cancelled::kReply;
}

void Submission::post_to_janitor(Job& job) noexcept {
  ep::abandon(loop_->executor().interpreter().janitor->post(queued(&job)));
}

Submission::Code Submission::interrupt_code(const Attached& py) noexcept {
  const Executor::Asked asked =
      place().executor().interrupt(py, *this, chain_, names_of(py).interrupted);
  return asked == Executor::Asked::kNotHere ? Code::kDoesNotRun : Code::kInterrupted;
}

bool Submission::is_step_running(const Attached& py) const noexcept {
  if (!task_) return false;
  const PyRef current =
      PyRef::steal(PyObject_CallOneArg(names_of(py).current_task, place().python_loop(py)));
  if (!current) PyErr_Clear();
  return current && current.get() == task_.get(py);
}

/// On the janitor's thread, of the task's that is to be cancelled.
class Submission::SecondLook final : public Job {
 public:
  explicit SecondLook(Submission& submission)
      : submission_(ResourceRef<Submission>::share(&submission)) {}
  void run(const Attached& py) noexcept override {
    if (!submission_->is_step_running(py)) return;
    HostedLoop& loop = submission_->place();
    static_cast<void>(
        loop.executor().interrupt(py, loop, submission_->chain_, names_of(py).interrupted));
  }
  void abandon() noexcept override {}

 private:
  const ResourceRef<Submission> submission_;
};

void Submission::look_again_at(const Attached& py, Nanos time) noexcept {
  loop_->executor().interpreter().janitor->run_at(py, make_job<SecondLook>(*this), time);
}

void Submission::post_to_loop(Job& job) noexcept {
  ep::abandon(place().post_to_loop(queued(&job)));
}

/// A loop that closes cancels its tasks itself; once more would disturb their cleaning up.
void Submission::end_task(const Attached& py) noexcept {
  if (!place().closing()) cancel_task(py);
}

}  // namespace ep::task
