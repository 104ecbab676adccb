// bin/erlpy's part: a program on Python's main thread, after which the VM ends.

#include <unistd.h>

#include <string>
#include <vector>

#include "beam/env.h"
#include "cpython/ref.h"
#include "nif/nifs.h"
#include "runtime/signals.h"
#include "runtime/steps.h"
#include "task/python_names.h"

namespace ep::nif {
namespace {

/// Calls what the generator erlang._main.steps() yields.
class Program final : public Job {
 public:
  Program(task::Services& services, const ErlNifPid& to, ErlNifEnv* env, ERL_NIF_TERM tag,
          std::vector<std::string> args)
      : services_(services),
        to_(to),
        ended_(enif_make_atom(env, "program_ended")),
        tag_(env_.copy(tag)),
        args_(std::move(args)) {}

  void run(const Attached& py) noexcept override {
    take_signals_from_other_threads();
    const PyRef status = run_program(py);
    const long number = status ? PyLong_AsLong(status.get()) : -1;
    if (PyErr_Occurred() != nullptr) PyErr_WriteUnraisable(nullptr);
    // A child that the program has forked ends here, too.
    if (services_.forked.here()) ForkedChild::leave(number < 0 ? 1 : static_cast<int>(number));
    enif_send(nullptr, &to_, env_.get(),
              enif_make_tuple3(env_.get(), ended_, tag_,
                               enif_make_long(env_.get(), number < 0 ? 1 : number)));
    // The interpreter is kept until the VM has ended, so that nothing runs in it any more, as after
    // Py_Finalize(); which can't be called, since the executors' threads would not survive it.
    for (;;) pause();
  }

  void abandon() noexcept override {}

 private:
  /// The exit status; null with a Python error set if the steps themselves fail.
  PyRef run_program(const Attached& py) const {
    const PyRef main = PyRef::steal(PyImport_ImportModule("erlang._main"));
    const PyRef args = main ? arguments() : nullptr;
    if (!args) return nullptr;
    const PyRef steps = PyRef::steal(PyObject_CallMethod(main.get(), "steps", "O", args.get()));
    return steps ? run_steps(py, steps.get(), [&] { let_go_of_main(py); }) : nullptr;
  }

  /// What Erlang evaluates from now on has another namespace: the program's must not outlive it.
  static void let_go_of_main(const Attached& py) {
    PyRef other = PyRef::steal(PyDict_New());
    if (other) std::swap(py.interpreter().names->main_dict, other);
    PyErr_Clear();
  }

  PyRef arguments() const {
    PyRef list = PyRef::steal(PyList_New(0));
    for (const std::string& arg : args_) {
      const PyRef text = PyRef::steal(
          PyUnicode_DecodeFSDefaultAndSize(arg.data(), static_cast<Py_ssize_t>(arg.size())));
      if (!list || !text || PyList_Append(list.get(), text.get()) != 0) return nullptr;
    }
    return list;
  }

  task::Services& services_;
  const ErlNifPid to_;
  const ERL_NIF_TERM ended_;
  OwnedEnv env_;
  const ERL_NIF_TERM tag_;
  const std::vector<std::string> args_;
};

std::vector<std::string> get_texts(ErlNifEnv* env, ERL_NIF_TERM list) {
  std::vector<std::string> texts;
  ERL_NIF_TERM head;
  while (enif_get_list_cell(env, list, &head, &list) != 0) texts.push_back(get_text(env, head));
  if (enif_is_empty_list(env, list) == 0) throw BadArgument();
  return texts;
}

}  // namespace

// run_program(Tag, Arguments)
ERL_NIF_TERM run_program(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[]) {
  if (!state.started()) throw BadArgument();
  ErlNifPid self;
  enif_self(env, &self);
  abandon(state.python->main().post(
      make_job<Program>(state.services, self, env, argv[0], get_texts(env, argv[1]))));
  return state.services.beam.atoms.ok;
}

}  // namespace ep::nif
