#include "loop/running_scope.h"

#include "cpython/error.h"
#include "loop/loop_types.h"

namespace ep::loop {
namespace {

PyRef call_with(const PyRef& function, PyObject* argument) noexcept {
  return PyRef::steal(PyObject_CallOneArg(function.get(), argument));
}

/// Putting things back can only fail for lack of memory, and there is nobody to tell.
void restore(const Attached& py, EventLoop& loop, PyObject* running, PyObject* hooks) noexcept {
  const SavedError saved(py);
  const AsyncioParts& asyncio = loop.types().asyncio;
  const PyRef set_hooks =
      PyRef::steal(PyObject_CallObject(asyncio.set_asyncgen_hooks.get(), hooks));
  const PyRef set_loop = call_with(asyncio.set_running_loop, running);
  if (!set_hooks || !set_loop) PyErr_WriteUnraisable(loop.object());
}

/// No hooks, as a thread has them at first.
PyRef no_hooks() noexcept { return PyRef::steal(PyTuple_Pack(2, Py_None, Py_None)); }

}  // namespace

RunningScope::RunningScope(const Attached&, EventLoop& loop) noexcept
    : loop_(loop),
      keep_alive_(PyRef::borrow(loop.object())),
      previous_thread_(loop.running_thread()) {
  const AsyncioParts& asyncio = loop.types().asyncio;
  previous_loop_ = PyRef::steal(PyObject_CallNoArgs(asyncio.get_running_loop.get()));
  previous_hooks_ = PyRef::steal(PyObject_CallNoArgs(asyncio.get_asyncgen_hooks.get()));
  if (!previous_loop_ || !previous_hooks_ || !set_hooks()) return;
  loop.set_running_thread(PyThread_get_thread_ident());
  entered_ = static_cast<bool>(call_with(asyncio.set_running_loop, loop.object()));
}

RunningScope::~RunningScope() {
  loop_.set_running_thread(previous_thread_);
  if (!previous_loop_ || !previous_hooks_) return;
  restore(Dying(loop_.object()), loop_, previous_loop_.get(), previous_hooks_.get());
}

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

NotRunningScope::NotRunningScope(const Attached& py, EventLoop& loop) noexcept : loop_(loop) {
  const AsyncioParts& asyncio = loop.types().asyncio;
  previous_loop_ = PyRef::steal(PyObject_CallNoArgs(asyncio.get_running_loop.get()));
  previous_hooks_ = PyRef::steal(PyObject_CallNoArgs(asyncio.get_asyncgen_hooks.get()));
  const PyRef hooks = no_hooks();
  if (previous_loop_ && previous_hooks_ && hooks) {
    restore(py, loop, Py_None, hooks.get());
  } else {
    PyErr_WriteUnraisable(loop.object());
  }
}

NotRunningScope::~NotRunningScope() {
  if (!previous_loop_ || !previous_hooks_) return;
  restore(Dying(loop_.object()), loop_, previous_loop_.get(), previous_hooks_.get());
}

}  // namespace ep::loop
