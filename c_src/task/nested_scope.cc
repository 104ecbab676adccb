#include "task/nested_scope.h"

#include "cpython/error.h"
#include "cpython/slot.h"

namespace ep::task {

NestedScope::NestedScope(const Attached&, const Services& services, bool nested)
    : services_(services) {
  if (!nested) return;
  PyRef loop = PyRef::steal(PyObject_CallNoArgs(services.names.get_running_loop));
  if (!loop) throw PythonError();
  if (loop.get() == Py_None) return;
  hooks_ = PyRef::steal(PyObject_CallNoArgs(services.names.get_asyncgen_hooks));
  if (!hooks_ || !set_hooks(services.names.no_asyncgen_hooks)) throw PythonError();
  loop_ = std::move(loop);
  task_ = swap_task(Py_None);
  const PyRef done = PyRef::steal(PyObject_CallOneArg(services.names.set_running_loop, Py_None));
  if (!task_ || !done) throw PythonError();
}

NestedScope::~NestedScope() {
  if (!loop_) return;
  const Attached py = Attached::in_slot();
  const SavedError saved(py);
  const PyRef done =
      PyRef::steal(PyObject_CallOneArg(services_.names.set_running_loop, loop_.get()));
  const PyRef none = swap_task(task_.get());
  const bool restored = set_hooks(hooks_.get());
  if (!done || !none || !restored) PyErr_WriteUnraisable(loop_.get());
}

bool NestedScope::set_hooks(PyObject* hooks) const noexcept {
  return static_cast<bool>(
      PyRef::steal(PyObject_CallObject(services_.names.set_asyncgen_hooks, hooks)));
}

/// Before 3.12 each loop has a current task of its own, and another loop's is not in the way.
PyRef NestedScope::swap_task(PyObject* task) const noexcept {
  if (services_.names.swap_current_task == nullptr) return PyRef::borrow(Py_None);
  return PyRef::steal(
      PyObject_CallFunctionObjArgs(services_.names.swap_current_task, loop_.get(), task, nullptr));
}

}  // namespace ep::task
