// The module `_erlang` as an ordinary extension, for an interpreter that is in no node: with the
// whole loop, and without anybody to call.
#include <memory>

#include "beam/env.h"
#include "callback/bridge.h"
#include "callback/pending_call.h"
#include "cpython/interpreter.h"
#include "cpython/slot.h"
#include "module/module.h"
#include "task/hosted_loop.h"
#include "task/poll.h"
#include "task/submission.h"

namespace ep::plain {
namespace {

/// What nif/state is in a node. There is one for each interpreter that imports the module, and it
/// ends with that.
struct Home final : Interpreter {
  explicit Home(ErlNifEnv* env) : services(env, task::Services::Node::kNone), bridge(services) {
    const bool opened = services.beam.open(env) && services.submissions.open(env, "submission") &&
                        services.loops.open(env, "loop") && services.polls.open(env, "poll") &&
                        bridge.calls.open(env, "call");
    if (!opened) throw std::bad_alloc();
    state = PyInterpreterState_Get();
    drops->set_wake([] {});  // who drops objects from afar are processes of Erlang's
  }

  task::Services services;
  callback::Bridge bridge;
};

int exec(PyObject* module) noexcept {
  return foreign_slot([&] {
    const OwnedEnv env;
    auto home = std::make_unique<Home>(env.get());
    callback::Bridge& bridge = home->bridge;
    set_interpreter(module, *home.release());  // freed with the module
    return module_slot(
        module, [&](const Attached& py) { return fill_module(py, module, bridge) ? 0 : -1; });
  });
}

void free_module(void* module) noexcept {
  Interpreter* const interpreter = interpreter_of(static_cast<PyObject*>(module));
  if (interpreter == nullptr) return;
  interpreter->drop_parts();
  delete static_cast<Home*>(interpreter);
}

PyModuleDef& extension() noexcept {
  static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, reinterpret_cast<void*>(exec)},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, nullptr},
  };
  PyModuleDef& def = module_def();
  def.m_slots = slots;
  def.m_free = free_module;
  return def;
}

}  // namespace
}  // namespace ep::plain

PyMODINIT_FUNC PyInit__erlang() {  // NOLINT(readability-identifier-naming): CPython's name
  static PyModuleDef& def = ep::plain::extension();
  return PyModuleDef_Init(&def);
}
