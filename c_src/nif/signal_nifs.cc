// Signals that the VM hands over to Python's loops.

#include "cpython/ref.h"
#include "nif/nifs.h"

namespace ep::nif {
namespace {

/// Calls erlang._signals.deliver(), on the janitor's thread: no Python code holds that up.
class Signal final : public Job {
 public:
  explicit Signal(int number) noexcept : number_(number) {}

  void run(const Attached& py) noexcept override { deliver(py); }
  void abandon() noexcept override {}

 private:
  void deliver(const Attached&) const noexcept {
    const PyRef module = PyRef::steal(PyImport_ImportModule("erlang._signals"));
    const PyRef result =
        module ? PyRef::steal(PyObject_CallMethod(module.get(), "deliver", "i", number_)) : nullptr;
    if (!result) PyErr_WriteUnraisable(module.get());
  }

  const int number_;
};

}  // namespace

// deliver_signal(Number)
ERL_NIF_TERM deliver_signal(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  int number;
  if (!enif_get_int(env, argv[0], &number) || !state.started()) throw BadArgument();
  abandon(state.python->janitor().post(make_job<Signal>(number)));
  return state.services.beam.atoms.ok;
}

}  // namespace ep::nif
