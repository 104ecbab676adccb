// NestedScope: Python code that runs inside of a wait of other code, on its thread, is not inside
// of the event loop that the other code may run in: for its duration no loop is running, and none
// has hooks for asynchronous generators.
//
// Executor's thread, attached.
#pragma once

#include "cpython/attach.h"
#include "cpython/ref.h"
#include "task/python_names.h"

namespace ep::task {

class NestedScope {
 public:
  /// Does nothing unless `nested`. Throws PythonError.
  NestedScope(const Attached&, bool nested);
  ~NestedScope();
  NestedScope(const NestedScope&) = delete;
  NestedScope& operator=(const NestedScope&) = delete;

 private:
  PyRef swap_task(PyObject* task) const noexcept;
  bool set_hooks(PyObject* hooks) const noexcept;

  Interpreter& interpreter_;
  PyRef loop_;  // hidden, or null
  PyRef task_;
  PyRef hooks_;
};

}  // namespace ep::task
