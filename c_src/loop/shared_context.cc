#include "loop/shared_context.h"

#include "cpython/api.h"

namespace ep::loop {
namespace {

/// The mapping that holds the variables of `context`, or null. It is immutable: setting a variable
/// puts another in its place, so contexts with the same mapping are equal. There is no function
/// that tells it, but what shows the garbage collector all that a context refers to.
const PyObject* variables_of(PyObject* context) noexcept {
  const PyObject* found = nullptr;
  const auto look = [](PyObject* object, void* result) {
    // Else it is the context that will be current again when this one is left.
    if (!PyContext_CheckExact(object)) *static_cast<const PyObject**>(result) = object;
    return 0;
  };
  Py_TYPE(context)->tp_traverse(context, look, &found);
  return found;
}

}  // namespace

PyRef SharedContext::copy_current(const Attached&) noexcept {
  if (kFreeThreaded) return PyRef::steal(PyContext_CopyCurrent());
  PyObject* const current = PyThreadState_Get()->context;
  if (copy_ && current != nullptr && variables_of(current) == variables_) return copy_;
  PyRef copy = PyRef::steal(PyContext_CopyCurrent());
  if (copy) {
    variables_ = variables_of(copy.get());
    copy_ = variables_ != nullptr ? copy : PyRef();
  }
  return copy;
}

}  // namespace ep::loop
