// Calling the user's code in a context, and what becomes of its exceptions.
#pragma once

#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep::net {

/// The error that is set ends loops: nothing but the loop's caller may see to it.
inline bool ends_the_loop() noexcept {
  return PyErr_ExceptionMatches(PyExc_SystemExit) ||
         PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
}

/// Until the scope ends, contextvars are those of `context`. Where it has been entered already, by
/// a loop that runs inside one of its own callbacks, those of a copy.
class ContextScope {
 public:
  ContextScope(const Attached&, const PyRef& context) noexcept : context_(context) {
    if (PyContext_Enter(context_.get()) == 0) return;
    PyErr_Clear();
    context_ = PyRef::steal(PyContext_Copy(context.get()));
    entered_ = context_ && PyContext_Enter(context_.get()) == 0;
    if (!entered_) PyErr_Clear();
  }
  ~ContextScope() {
    if (entered_ && PyContext_Exit(context_.get()) != 0) PyErr_Clear();
  }
  ContextScope(const ContextScope&) = delete;
  ContextScope& operator=(const ContextScope&) = delete;

 private:
  PyRef context_;
  bool entered_ = true;
};

}  // namespace ep::net
