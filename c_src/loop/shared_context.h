// SharedContext: the contexts that callbacks are to run in, copied when they run.
//
// A callback that is scheduled without a context runs in a copy of the one that was current then.
// Such copies differ only in what callbacks set later. So callbacks share a first copy, which
// nobody enters, for as long as the current context has the same variables, and each makes its own
// of it when it runs, or is asked for it: cancelled and waiting ones cost neither memory nor the
// garbage collector's time. Attached threads.
#pragma once

#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep::loop {

class SharedContext {
 public:
  /// `may_look_inside`: Internals::context_variables.
  explicit SharedContext(bool may_look_inside) noexcept : may_look_inside_(may_look_inside) {}

  /// A copy of the current context that must not be entered while somebody else has it, too. Null:
  /// Python error set.
  PyRef copy_current(const Attached&) noexcept;

  /// To be called now and then: what variables hold must not live on for the sake of this.
  void forget_unused(const Attached&) noexcept {
    if (copy_ && Py_REFCNT(copy_.get()) == 1) copy_.reset();
  }
  PyObject* object() const noexcept { return copy_.get(); }
  void clear() noexcept { copy_.reset(); }

 private:
  const bool may_look_inside_;
  PyRef copy_;
  const PyObject* variables_ = nullptr;  // its; alive as long as it is
};

}  // namespace ep::loop
