#include "task/nested_scope.h"

#include "cpython/error.h"
#include "cpython/slot.h"

namespace ep::task {

NestedScope::NestedScope(const Attached& py, bool nested) : interpreter_(py.interpreter()) {
  if (!nested) return;
  PyRef loop = PyRef::steal(PyObject_CallNoArgs(interpreter_.names->get_running_loop));
  if (!loop) throw PythonError();
  if (loop.get() == Py_None) return;
  hooks_ = PyRef::steal(PyObject_CallNoArgs(names_of(py).get_asyncgen_hooks));
  if (!hooks_ || !set_hooks(names_of(py).no_asyncgen_hooks.get())) throw PythonError();
  loop_ = std::move(loop);
  task_ = swap_task(Py_None);
  const PyRef done =
      PyRef::steal(PyObject_CallOneArg(interpreter_.names->set_running_loop, Py_None));
  if (!task_ || !done) throw PythonError();
}

NestedScope::~NestedScope() {
  if (!loop_) return;
  const SavedError saved;
  const PyRef done =
      PyRef::steal(PyObject_CallOneArg(interpreter_.names->set_running_loop, loop_.get()));
  const PyRef none = swap_task(task_.get());
  const bool restored = set_hooks(hooks_.get());
  if (!done || !none || !restored) PyErr_WriteUnraisable(loop_.get());
}

bool NestedScope::set_hooks(PyObject* hooks) const noexcept {
  return static_cast<bool>(
      PyRef::steal(PyObject_CallObject(interpreter_.names->set_asyncgen_hooks, hooks)));
}

/// Before 3.12 each loop has a current task of its own, and another loop's is not in the way.
PyRef NestedScope::swap_task(PyObject* task) const noexcept {
  if (interpreter_.names->swap_current_task.get() == nullptr) return PyRef::borrow(Py_None);
  return PyRef::steal(PyObject_CallFunctionObjArgs(interpreter_.names->swap_current_task.get(),
                                                   loop_.get(), task, nullptr));
}

}  // namespace ep::task
