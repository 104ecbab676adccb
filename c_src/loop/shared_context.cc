#include "loop/shared_context.h"

#include "cpython/internals.h"

namespace ep::loop {
PyRef SharedContext::copy_current(const Attached& py) noexcept {
  if (!may_look_inside_) return PyRef::steal(PyContext_CopyCurrent());
  PyObject* const current = borrowed_current_context(py);
  if (copy_ && current != nullptr && variables_of_context(current) == variables_) return copy_;
  PyRef copy = PyRef::steal(PyContext_CopyCurrent());
  if (copy) {
    variables_ = variables_of_context(copy.get());
    copy_ = variables_ != nullptr ? copy : PyRef();
  }
  return copy;
}

}  // namespace ep::loop
