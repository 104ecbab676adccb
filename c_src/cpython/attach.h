// Being attached to an interpreter (holding its GIL, where there is one), as evidence.
//
// Every function that touches Python objects takes `const Attached&` first. It says which
// interpreter that is, lives on the stack, and is never stored. It can't be forged: one is made
// only by a slot (cpython/slot.h), where Python itself calls; by an AttachScope; and for the jobs
// of an executor, by its thread. `scripts/check_evidence` sees to it. `Detached` gives the
// interpreter up for a wait.
#pragma once

#include "cpython/api.h"

namespace ep {

struct Interpreter;

class Attached {
 public:
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;

  /// The interpreter that the thread is attached to. Defined in cpython/interpreter.h.
  Interpreter& interpreter() const noexcept;

 protected:
  explicit Attached(Interpreter& interpreter) noexcept : interpreter_(&interpreter) {}
  /// By a type of ours, or one derived from it: looked up when somebody asks, which few do.
  explicit Attached(PyTypeObject* type) noexcept : type_(type) {}
  ~Attached() = default;

 private:
  Interpreter* const interpreter_ = nullptr;
  PyTypeObject* const type_ = nullptr;
};

/// Attaches the calling thread with a thread state of `interpreter` that belongs to it, until the
/// scope ends.
class AttachScope final : public Attached {
 public:
  AttachScope(Interpreter& interpreter, PyThreadState* state) noexcept : Attached(interpreter) {
    PyEval_RestoreThread(state);
  }
  ~AttachScope() { PyEval_SaveThread(); }
};

/// For what Python calls with nothing but an object of ours whose life ends, or of which only parts
/// are left: tp_dealloc, tp_clear, tp_finalize, and destructors of what such an object contains.
class Dying final : public Attached {
 public:
  explicit Dying(PyObject* self) noexcept : Attached(Py_TYPE(self)) {}
};

/// Gives up the interpreter until the scope ends. No Python object may be touched meanwhile.
class Detached {
 public:
  explicit Detached(const Attached&) noexcept : state_(PyEval_SaveThread()) {}
  ~Detached() { PyEval_RestoreThread(state_); }
  Detached(const Detached&) = delete;
  Detached& operator=(const Detached&) = delete;

 private:
  PyThreadState* state_;
};

}  // namespace ep
