// The Python objects that the work of Erlang processes uses: this layer's part of an interpreter.
#pragma once

#include "cpython/interpreter.h"
#include "cpython/name.h"

namespace ep::task {

struct PythonNames final : InterpreterPart {
  /// Once `_erlang` and the package `erlang` can be imported. Throws PythonError.
  PythonNames(const Attached& py, PyObject* module);

  Imported new_loop{"erlang._hosted", "new_loop"};
  Imported finish_loop{"erlang._hosted", "finish_loop"};
  Imported is_empty{"erlang._hosted", "is_empty"};
  Imported application_stopped{"erlang._hosted", "application_stopped"};
  Imported node_ended{"erlang._hosted", "node_ended"};
  Imported run_nested{"erlang._hosted", "run_nested"};
  Imported keep_source{"erlang._sources", "keep"};
  Imported ensure_future{"erlang._hosted", "ensure_future"};
  Imported schedule_marker{"erlang._schedule", "ScheduleMarker"};  // a type
  Imported interrupted{"erlang._errors", "Interrupted"};           // a type
  Imported current_task{"asyncio", "current_task"};

  Name add_done_callback{"add_done_callback"};
  Name cancel{"cancel"};
  Name create_task{"create_task"};
  Name eval_file{"<eval>"};
  Name initializing{"_initializing"};
  Name inline_{"inline"};
  Name name{"name"};
  Name qualname{"__qualname__"};
  Name result{"result"};
  Name spec{"__spec__"};
  Name take{"take"};
  PyRef main_dict = Imported("__main__", "__dict__").object();  // what eval and exec see
  const PyRef create_task_keywords;                             // ("name",)

  const PyRef delivery;           // the type, task/delivery_type.h
  const PyRef delivery_variable;  // a contextvars.ContextVar for one of these

  PyTypeObject* delivery_type() const noexcept {
    return reinterpret_cast<PyTypeObject*>(delivery.get());
  }
};

/// Those of the interpreter that the thread is attached to.
inline const PythonNames& names_of(const Attached& py) noexcept { return *py.interpreter().names; }

/// Adds them to the interpreter. False with a Python error set.
[[nodiscard]] bool add_names(const Attached& py, PyObject* module) noexcept;

}  // namespace ep::task
