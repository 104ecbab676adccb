#include "task/nested_scope.h"

#include "cpython/error.h"
#include "cpython/slot.h"

namespace ep::task {

NestedScope::NestedScope(const Attached&, const Services& services, bool nested)
    : services_(services) {
  if (!nested) return;
  hidden_ = PyRef::steal(PyObject_CallNoArgs(services.names.hide_loop));
  if (!hidden_) throw PythonError();
}

NestedScope::~NestedScope() {
  if (!hidden_) return;
  const Attached py = Attached::in_slot();
  const SavedError saved(py);
  const PyRef shown =
      PyRef::steal(PyObject_CallOneArg(services_.names.show_loop, hidden_.get()));
  if (!shown) PyErr_WriteUnraisable(services_.names.show_loop);
}

}  // namespace ep::task
