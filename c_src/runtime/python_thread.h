// PythonThread: one thread as the interpreter knows it, which raises exceptions in its code.
#pragma once

#include "cpython/attach.h"
#include "runtime/interruption.h"

namespace ep {

/// Exceptions are types that live for ever. Attached.
class PythonThread final : public Interruption<PyObject*>::Thrower {
 public:
  /// On the thread, before anything runs there.
  void enter(const Attached&) noexcept { id_ = PyThread_get_thread_ident(); }

  void hand_in(PyObject* exception) noexcept override { PyThreadState_SetAsyncExc(id_, exception); }
  void take_back() noexcept override { PyThreadState_SetAsyncExc(id_, nullptr); }
  bool has_raised() const noexcept override { return PyThreadState_Get()->async_exc == nullptr; }

 private:
  unsigned long id_ = 0;
};

}  // namespace ep
