#include "nif/state.h"

#include <algorithm>
#include <utility>

#include "beam/binary.h"
#include "build_config.h"
#include "callback/pending_call.h"
#include "cpython/interpreter.h"
#include "loop/loop_types.h"
#include "module/module.h"
#include "runtime/unraisable.h"
#include "task/hosted_loop.h"
#include "task/poll.h"
#include "task/python_names.h"
#include "task/submission.h"

namespace ep::nif {

namespace {

/// So long before the end of a stop, threads that are still busy are interrupted whatever they do.
constexpr Nanos kLastCall = 3 * kSecond;

}  // namespace

/// Somebody who waits for {Event, Tag, Result}.
class State::Waiting {
 public:
  Waiting(const ErlNifPid& to, ERL_NIF_TERM tag) : to_(to), tag_(env_.copy(tag)) {}

  ErlNifEnv* env() const { return env_.get(); }
  /// On a thread that is no scheduler's.
  void tell(ERL_NIF_TERM event, ERL_NIF_TERM result) {
    enif_send(nullptr, &to_, env(), enif_make_tuple3(env(), event, tag_, result));
  }

 private:
  const ErlNifPid to_;
  OwnedEnv env_;
  const ERL_NIF_TERM tag_;
};

bool State::open_resource_types(ErlNifEnv* env) {
  const std::lock_guard lock(mutex_);
  if (types_kept_) return true;
  return services.beam.open(env) && services.submissions.open(env, "erlang_python_submission") &&
         services.loops.open(env, "erlang_python_loop") &&
         services.polls.open(env, "erlang_python_poll") &&
         bridge.calls.open(env, "erlang_python_call");
}

/// Nothing is made of any type before; mutex_ held.
void State::keep_resource_types() {
  if (std::exchange(types_kept_, true)) return;
  services.beam.keep();
  services.submissions.keep();
  services.loops.keep();
  services.polls.keep();
  bridge.calls.keep();
}

/// Drops objects that died on schedulers; posted by the drop queue when it becomes non-empty.
class State::Drain final : public Job {
 public:
  explicit Drain(DropQueue& drops) : drops_(drops) {}
  void run(const Attached& py) noexcept override { drops_.drain(py); }
  void abandon() noexcept override {}

 private:
  void let_go() noexcept override {}  // posted again and again

  DropQueue& drops_;
};

bool State::prepare(const Attached& py) {
  PyObject* const module = make_module(py, bridge).release();  // kept, as the interpreter is
  if (module == nullptr) return false;
  DropQueue& drops = *py.interpreter().drops;
  drops.set_wake([this, drain = std::make_shared<Drain>(drops)] {
    abandon(python->undertaker().post(JobPtr(drain.get())));
  });
  const auto forget = [](const Attached& in_child) {
    for (loop::EventLoop* loop : in_child.interpreter().loop->loops) {
      loop->forget_in_child(in_child);
    }
  };
  return services.forked.watch(py, module, forget) && task::add_names(py, module) &&
         keep_interruptions(py, module);
}

std::string State::run_executors() noexcept {
  // What is left of a run whose owner died before it could stop() it ends.
  services.stand_ins.clear();
  services.default_loop.set({});
  services.open_loops.close_all(nullptr, services.beam.atoms.stopped);
  services.open_loops.end_polls();
  std::lock_guard lock(mutex_);
  end_executors();
  python->interpreter().loop->max_spin =
      options_.max_spin;  // no loop is there that could look at it now
  try {
    for (unsigned i = 0; i < options_.loop_executors; ++i) {
      loop_executors_.push_back(add_executor("py_loop_" + std::to_string(i + 1)));
    }
  } catch (const std::exception& error) {  // the system gives us no descriptor, or no thread
    end_executors();
    started_ = false;
    return error.what();
  }
  started_ = true;
  return {};
}

/// Runs on the interpreter's own threads: the executors are started, and their starter told.
class State::Start final : public Job {
 public:
  Start(State& state, std::unique_ptr<Waiting> waiting)
      : state_(state), waiting_(std::move(waiting)) {}

  void run(const Attached&) noexcept override {
    state_.tell_started(*waiting_, state_.run_executors());
  }
  void abandon() noexcept override {}

 private:
  State& state_;
  const std::unique_ptr<Waiting> waiting_;
};

void State::tell_started(Waiting& waiting, const std::string& error) {
  ErlNifEnv* const env = waiting.env();
  const Atoms& atoms = services.beam.atoms;
  waiting.tell(atoms.started, error.empty()
                                  ? atoms.ok
                                  : enif_make_tuple2(env, atoms.error, make_binary(env, error)));
}

void State::start(const ErlNifPid& to, ERL_NIF_TERM tag, StartOptions options) {
  auto waiting = std::make_unique<Waiting>(to, tag);
  last_words_.forget();
  std::unique_lock lock(mutex_);
  keep_resource_types();
  options_ = options;
  services.max_pending = options.max_pending;
  if (python && start_error_.empty()) {
    lock.unlock();
    abandon(python->janitor().post(make_job<Start>(*this, std::move(waiting))));
    return;
  }
  if (!python && Py_IsInitialized() != 0) {
    start_error_ = "another library, or another copy of this one, has started Python in this VM";
  }
  if (!start_error_.empty() && Py_IsInitialized() != 0) {
    // It got half-way, and in one process there is no second try. Not on a scheduler: see tell().
    const Thread teller("py_main", [this, waiting = std::shared_ptr(std::move(waiting)),
                                    error = start_error_] { tell_started(*waiting, error); });
    return;
  }
  Python::Config config;
  config.executable = std::move(options.executable);
  config.libpython = EP_LIBPYTHON_SONAME;
  config.package_dir = std::move(options.package_dir);
  config.sandbox = options.sandbox;
  config.executor.max_spin = options.max_spin;
  config.executor.exit_guard = exit_guard_;
  config.prepare = [this](const Attached& py) { return prepare(py); };
  const auto started = [this,
                        waiting = std::shared_ptr(std::move(waiting))](const std::string& error) {
    {
      std::lock_guard done(mutex_);
      start_error_ = error;
    }
    tell_started(*waiting, error.empty() ? run_executors() : error);
  };
  python = std::make_unique<Python>(std::move(config), started);
}

/// Runs on the janitor: waits for executors to end, which may need to attach meanwhile.
class State::Stop final : public Job {
 public:
  Stop(State& state, std::unique_ptr<Waiting> waiting,
       std::vector<std::shared_ptr<Executor>> executors, Nanos deadline)
      : state_(state),
        waiting_(std::move(waiting)),
        executors_(std::move(executors)),
        deadline_(deadline) {}

  void run(const Attached& py) noexcept override {
    PyObject* const interrupted = task::names_of(py).interrupted;
    wait(py, std::min(deadline_, now() + task::kStuckAfter));
    for (const auto& executor : executors_) {
      // Not while it closes its loops: that may take longer.
      executor->interrupt(py, executor->innermost(), interrupted);
    }
    clean_up(py);
    unsigned stuck = wait(py, deadline_ - kLastCall);
    if (stuck > 0) {
      for (const auto& executor : executors_) executor->interrupt_innermost(py, interrupted);
      stuck = wait(py, deadline_);
      for (const auto& executor : executors_) executor->stop();
    }
    waiting_->tell(state_.services.beam.atoms.stopped, enif_make_uint(waiting_->env(), stuck));
  }
  void abandon() noexcept override {}

 private:
  /// Until all threads have ended, or the deadline; how many have not.
  unsigned wait(const Attached& py, Nanos deadline) const {
    const Detached detached(py);
    return static_cast<unsigned>(
        std::count_if(executors_.begin(), executors_.end(),
                      [&](const auto& executor) { return !executor->join_until(deadline); }));
  }

  /// What is left over dies elsewhere, since its finalizers may run.
  void clean_up(const Attached& py) {
    PyObject* const function = task::names_of(py).application_stopped;
    PyRef left_over = PyRef::steal(PyObject_CallNoArgs(function));
    if (!left_over) return PyErr_WriteUnraisable(function);
    const DeferredRef dropped(py, std::move(left_over), py.interpreter().drops);
  }

  State& state_;
  const std::unique_ptr<Waiting> waiting_;
  const std::vector<std::shared_ptr<Executor>> executors_;
  const Nanos deadline_;
};

void State::stop(ErlNifEnv* env, const ErlNifPid& to, ERL_NIF_TERM tag, Nanos deadline) {
  services.stand_ins.clear();
  services.default_loop.set({});
  services.open_loops.close_all(env, services.beam.atoms.stopped);
  std::vector<std::shared_ptr<Executor>> executors;
  {
    std::lock_guard lock(mutex_);
    started_ = false;
    executors = end_executors();
  }
  services.open_loops.end_polls();
  bridge.forget_router();
  bridge.clear_names();
  last_words_.prepare(python->main(), python->undertaker(), [](const Attached& py) {
    const Imported& node_ended = task::names_of(py).node_ended;
    const PyRef done = PyRef::steal(PyObject_CallNoArgs(node_ended));
    if (!done) PyErr_WriteUnraisable(node_ended);
  });
  abandon(python->janitor().post(
      make_job<Stop>(*this, std::make_unique<Waiting>(to, tag), std::move(executors), deadline)));
}

std::vector<std::shared_ptr<Executor>> State::end_executors() {
  std::vector<std::shared_ptr<Executor>> executors;
  for (const auto& weak : executors_) {
    if (auto executor = weak.lock()) executors.push_back(std::move(executor));
  }
  executors_.clear();
  loop_executors_.clear();
  for (const auto& executor : executors) executor->stop_when_done();
  return executors;
}

std::shared_ptr<Executor> State::new_executor(const std::string& name) {
  std::lock_guard lock(mutex_);
  return started_ ? add_executor(name) : nullptr;
}

std::shared_ptr<Executor> State::add_executor(const std::string& name) {
  Executor::Config config;
  config.name = name;
  config.max_spin = options_.max_spin;
  config.exit_guard = exit_guard_;
  config.held_up = [this](const Executor& executor) { services.stand_ins.thread_waits(executor); };
  config.ended = [this](const Executor& executor) {
    services.open_loops.close_all(nullptr, services.beam.atoms.stopped, &executor);
  };
  auto executor = std::make_shared<Executor>(std::move(config));
  executor->start(python->interpreter());
  std::erase_if(executors_, [](const auto& weak) { return weak.expired(); });
  executors_.push_back(executor);
  return executor;
}

std::shared_ptr<Executor> State::loop_executor() {
  std::lock_guard lock(mutex_);
  if (loop_executors_.empty()) return nullptr;
  return loop_executors_[next_++ % loop_executors_.size()];
}

bool State::started() {
  std::lock_guard lock(mutex_);
  return started_;
}

}  // namespace ep::nif
