#include "loop/running_scope.h"

#include "cpython/error.h"
#include "cpython/interpreter.h"
#include "loop/loop_types.h"

namespace ep::loop {
namespace {

// All that is called here are CPython's own functions in C: an interruption, which comes between
// two bytecodes, finds a thread's loop changed or not, but never half.

PyRef call(const PyRef& function) noexcept {
  return PyRef::steal(PyObject_CallNoArgs(function.get()));
}

bool call_with(const PyRef& function, PyObject* argument) noexcept {
  return static_cast<bool>(PyRef::steal(PyObject_CallOneArg(function.get(), argument)));
}

bool set_both_hooks(const AsyncioParts& asyncio, const PyRef& hooks) noexcept {
  return static_cast<bool>(
      PyRef::steal(PyObject_CallObject(asyncio.set_asyncgen_hooks.get(), hooks.get())));
}

}  // namespace

NoLoopScope::NoLoopScope(const Attached& py) noexcept {
  LoopTypes& types = *py.interpreter().loop;
  if (!types.import_asyncio(py)) return;
  asyncio_ = &types.asyncio;
  loop_ = call(asyncio_->get_running_loop);
  if (loop_) hooks_ = call(asyncio_->get_asyncgen_hooks);
  entered_ = hooks_ && hide();
}

/// Where no loop runs, hooks are somebody's own, and stay.
bool NoLoopScope::hide() noexcept {
  if (loop_.get() == Py_None) return true;
  // First the task: from Python 3.14 on only the running loop's can be changed.
  task_ = swap_task(Py_None);
  return task_ && set_both_hooks(*asyncio_, asyncio_->no_hooks) &&
         call_with(asyncio_->set_running_loop, Py_None);
}

/// Also of what has been hidden by half.
NoLoopScope::~NoLoopScope() {
  if (!hooks_) return;
  // What the scope's user has set, for its caller; and what is set by hide().
  const SavedError saved;
  if (!put_back()) PyErr_WriteUnraisable(loop_.get());
}

/// This can only fail for lack of memory, and there is nobody to tell.
bool NoLoopScope::put_back() noexcept {
  const bool loop = call_with(asyncio_->set_running_loop, loop_.get());
  const bool task = !task_ || swap_task(task_.get());
  return set_both_hooks(*asyncio_, hooks_) && loop && task;
}

/// Before Python 3.12 nothing swaps tasks, and nothing has to: each loop has a current task of its
/// own, and another loop's is not in the way.
PyRef NoLoopScope::swap_task(PyObject* task) const noexcept {
  if (!asyncio_->swap_current_task) return PyRef::borrow(Py_None);
  return PyRef::steal(
      PyObject_CallFunctionObjArgs(asyncio_->swap_current_task.get(), loop_.get(), task, nullptr));
}

RunningScope::RunningScope(const Attached& py, EventLoop& loop) noexcept
    : loop_(loop),
      keep_alive_(PyRef::borrow(loop.object())),
      before_(py),
      previous_thread_(loop.running_thread()) {
  if (!before_.entered() || !set_hooks()) return;
  loop.set_running_thread(PyThread_get_thread_ident());
  entered_ = call_with(loop.types().asyncio.set_running_loop, loop.object());
}

RunningScope::~RunningScope() { loop_.set_running_thread(previous_thread_); }

bool RunningScope::set_hooks() noexcept {
  PyObject* loop = loop_.object();
  const PyRef first = PyRef::steal(PyObject_GetAttrString(loop, "_asyncgen_firstiter_hook"));
  if (!first) return false;
  const PyRef last = PyRef::steal(PyObject_GetAttrString(loop, "_asyncgen_finalizer_hook"));
  if (!last) return false;
  PyObject* hooks[] = {first.get(), last.get()};
  const PyRef set = PyRef::steal(
      PyObject_Vectorcall(loop_.types().asyncio.set_asyncgen_hooks.get(), hooks, 2, nullptr));
  return static_cast<bool>(set);
}

}  // namespace ep::loop
