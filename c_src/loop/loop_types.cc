#include "loop/loop_types.h"

#include "cpython/or_throw.h"
#include "cpython/slot.h"
#include "loop/task_set.h"

namespace ep::loop {
namespace {

/// From 3.13 on reprs leave arguments out, unless told otherwise.
bool takes_debug(const PyRef& function) {
  const PyRef count = attribute(attribute(function, "__code__"), "co_kwonlyargcount");
  return PyLong_AsLong(count.get()) > 0;
}

AsyncioParts import_parts() {
  AsyncioParts parts;
  const PyRef format_helpers = import_module("asyncio.format_helpers");
  parts.format_callback_source = attribute(format_helpers, "_format_callback_source");
  parts.format_takes_debug = takes_debug(parts.format_callback_source);
  parts.extract_stack = attribute(format_helpers, "extract_stack");
  const PyRef events = import_module("asyncio.events");
  parts.get_running_loop = attribute(events, "_get_running_loop");
  parts.set_running_loop = attribute(events, "_set_running_loop");
  const PyRef sys = import_module("sys");
  parts.get_asyncgen_hooks = attribute(sys, "get_asyncgen_hooks");
  parts.set_asyncgen_hooks = attribute(sys, "set_asyncgen_hooks");
  parts.no_hooks = or_throw(PyTuple_Pack(2, Py_None, Py_None));
  parts.tasks = import_module("asyncio.tasks");
  if (PyObject_HasAttrString(parts.tasks.get(), "_swap_current_task") != 0) {
    parts.swap_current_task = attribute(parts.tasks, "_swap_current_task");
  }
  parts.futures = import_module("asyncio.futures");
  const PyRef base = attribute(import_module("asyncio.base_events"), "BaseEventLoop");
  parts.base_create_task = attribute(base, "create_task");
  parts.handle = attribute(events, "Handle");
  parts.timer_handle = attribute(events, "TimerHandle");
  if (PyObject_HasAttrString(events.get(), "_ThreadSafeHandle") != 0) {
    parts.threadsafe_handle = attribute(events, "_ThreadSafeHandle");
  }
  return parts;
}

}  // namespace

bool LoopTypes::import_asyncio(const Attached& py) {
  if (asyncio.tasks) return true;
  return translate_errors(py, [&] {
    asyncio = import_parts();
    if (!speed_up_task_set(py, asyncio.tasks.get())) throw PythonError();
  });
}

int LoopTypes::traverse(visitproc visit, void* arg) const {
  Py_VISIT(event_loop.get());
  Py_VISIT(handle.get());
  Py_VISIT(timer_handle.get());
  Py_VISIT(asyncio.format_callback_source.get());
  Py_VISIT(asyncio.extract_stack.get());
  Py_VISIT(asyncio.get_running_loop.get());
  Py_VISIT(asyncio.set_running_loop.get());
  Py_VISIT(asyncio.get_asyncgen_hooks.get());
  Py_VISIT(asyncio.set_asyncgen_hooks.get());
  Py_VISIT(asyncio.swap_current_task.get());
  Py_VISIT(asyncio.tasks.get());
  Py_VISIT(asyncio.futures.get());
  Py_VISIT(asyncio.base_create_task.get());
  Py_VISIT(asyncio.handle.get());
  Py_VISIT(asyncio.timer_handle.get());
  Py_VISIT(asyncio.threadsafe_handle.get());
  return 0;
}

}  // namespace ep::loop
