#include "loop/module_part.h"

#include "cpython/or_throw.h"
#include "cpython/slot.h"
#include "loop/collector_hook.h"
#include "loop/event_loop_methods.h"
#include "loop/handle.h"
#include "loop/loop_types.h"

namespace ep::loop {
namespace {

void fill(const Attached& py, PyObject* module, LoopTypes& types) {
  types.str_context = interned("context");
  types.names_loop = or_throw(Py_BuildValue("(s)", "loop"));
  types.handle = or_throw(new_handle_type(py, module));
  types.timer_handle = or_throw(new_timer_handle_type(py, module, types.handle.get()));
  types.event_loop = or_throw(new_event_loop_type(py, module));
  publish(module, types.handle);
  publish(module, types.timer_handle);
  publish(module, types.event_loop);
}

}  // namespace

bool add_to_module(const Attached& py, PyObject* module) noexcept {
  return translate_errors(py, [&] {
    Interpreter& interpreter = py.interpreter();
    LoopTypes& types = interpreter.add(interpreter.loop, std::make_unique<LoopTypes>(interpreter));
    types.internals = interpreter.internals;
    fill(py, module, types);
    if (!kTrackedFromBirth && !add_collector_hook(py, module)) throw PythonError();
  });
}

}  // namespace ep::loop
