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

bool add_to_module(const Attached& py, PyObject* module, ModuleState& state) {
  return slot([&](const Attached&) -> int {
           state.loop = new LoopTypes();
           state.loop->internals = state.internals;
           fill(py, module, *state.loop);
           return kTrackedFromBirth || add_collector_hook(py, module) ? 0 : -1;
         }) == 0;
}

int traverse_part(const ModuleState& state, visitproc visit, void* arg) {
  return state.loop == nullptr ? 0 : state.loop->traverse(visit, arg);
}

void clear_part(ModuleState& state) {
  if (state.loop != nullptr) state.loop->clear();
}

void free_part(ModuleState& state) { delete std::exchange(state.loop, nullptr); }

}  // namespace ep::loop
