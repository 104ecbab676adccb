// Interpreter: one CPython interpreter, and all of ours that belongs to it: what would be mutable
// globals if there were only one. Whoever is attached has it at hand (`py.interpreter()`).
//
// Each layer has a part, which only that layer looks into. The parts are made when the module
// `_erlang` is made, and end with it; the Interpreter itself outlives all that refers to it.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "cpython/attach.h"
#include "cpython/drop_queue.h"
#include "cpython/internals.h"

namespace ep {

namespace convert {
class Codec;
}
namespace loop {
struct LoopTypes;
}
namespace net {
struct NetTypes;
}
namespace task {
struct PythonNames;
}
namespace callback {
struct CallbackTypes;
}
class Executor;  // runtime/executor.h

/// What a layer has of an interpreter.
class InterpreterPart {
 public:
  virtual ~InterpreterPart() = default;
  /// Shows the garbage collector the objects that may be part of cycles.
  virtual int traverse(visitproc, void*) const { return 0; }
};

struct Interpreter {
  Interpreter() = default;
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  /// That made `_erlang`, or a type of it or one derived from such.
  static Interpreter& of_module(PyObject* module) noexcept;
  static Interpreter& of_type(PyTypeObject* type) noexcept;

  PyInterpreterState* state = nullptr;
  PyObject* module = nullptr;  // `_erlang`; borrowed, it keeps the parts
  Internals internals;
  /// Where references to this interpreter's objects go that die on other threads.
  const std::shared_ptr<DropQueue> drops = std::make_shared<DropQueue>();

  // Who serves it; runtime/python.h says what for.
  Executor* janitor = nullptr;
  Executor* undertaker = nullptr;

  // The parts; null until the module has been made.
  convert::Codec* codec = nullptr;
  loop::LoopTypes* loop = nullptr;
  net::NetTypes* net = nullptr;
  task::PythonNames* names = nullptr;
  callback::CallbackTypes* callback = nullptr;
  /// They themselves, lower layers first.
  std::vector<std::unique_ptr<InterpreterPart>> parts;

  /// Keeps `part`, and enters it into its `place` above.
  template <class Part>
  Part& add(Part*& place, std::unique_ptr<Part> part) {
    parts.push_back(std::move(part));
    place = static_cast<Part*>(parts.back().get());
    return *place;
  }
  /// The module is gone.
  void drop_parts() noexcept {
    while (!parts.empty()) parts.pop_back();
    module = nullptr;
    codec = nullptr, loop = nullptr, net = nullptr, names = nullptr, callback = nullptr;
  }
};

/// The state of the module `_erlang`.
struct ModuleState {
  Interpreter* interpreter;
};

/// Defined by module/; the only PyModuleDef of the project.
PyModuleDef& module_def() noexcept;

inline Interpreter& Interpreter::of_module(PyObject* module) noexcept {
  return *static_cast<ModuleState*>(PyModule_GetState(module))->interpreter;
}

inline Interpreter& Interpreter::of_type(PyTypeObject* type) noexcept {
  return of_module(PyType_GetModuleByDef(type, &module_def()));
}

inline Interpreter& Attached::interpreter() const noexcept {
  return interpreter_ != nullptr ? *interpreter_ : Interpreter::of_type(type_);
}

}  // namespace ep
