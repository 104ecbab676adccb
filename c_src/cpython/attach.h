// Being attached to an interpreter (holding its GIL, where there is one), as evidence.
//
// Every function that touches Python objects takes `const Attached&` first. It can only be had
// from a guard on the stack, and is never stored. `Detached` gives the interpreter up for a wait.
#pragma once

#include "cpython/api.h"

namespace ep {

class Attached {
 public:
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;

  /// For functions that Python itself calls (slots, methods, pending calls): the thread is
  /// attached there by contract.
  static Attached in_slot() noexcept { return Attached(); }

 protected:
  Attached() = default;
};

/// Attaches the calling thread with a thread state that belongs to it, until the scope ends.
class AttachScope : public Attached {
 public:
  explicit AttachScope(PyThreadState* state) noexcept { PyEval_RestoreThread(state); }
  ~AttachScope() { PyEval_SaveThread(); }
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
