#include "runtime/sandbox.h"

#include <cerrno>
#include <cstring>

#include "cpython/internals.h"
#include "cpython/ref.h"

namespace ep {
namespace {

struct Refused {
  const char* event;
  const char* function;  // as people know it
};

constexpr Refused kRefused[] = {
    {"os.exec", "os.exec*()"},      {"os.fork", "os.fork()"},
    {"os.forkpty", "os.forkpty()"}, {"os.posix_spawn", "os.posix_spawn()"},
    {"os.spawn", "os.spawn*()"},    {"os.system", "os.system()"},
    {"pty.spawn", "pty.spawn()"},   {"subprocess.Popen", "subprocess.Popen"},
};

void refuse(const char* function) {
  const PyRef text = PyRef::steal(PyUnicode_FromFormat(
      "%s can't be used inside an Erlang VM, which it would fork or replace: use "
      "asyncio.create_subprocess_exec(), or an Erlang port ({sandbox, false} allows it)",
      function));
  if (!text) return;
  const PyRef error =
      PyRef::steal(PyObject_CallFunction(PyExc_PermissionError, "iO", EPERM, text.get()));
  if (error) PyErr_SetObject(PyExc_PermissionError, error.get());
}

/// Called for everything that Python audits, so what is none of ours goes at its first letter.
int look_at_event(const char* event, PyObject*, void*) {
  if (*event != 'o' && *event != 's' && *event != 'p') return 0;
  for (const Refused& refused : kRefused) {
    if (std::strcmp(event, refused.event) != 0) continue;
    refuse(refused.function);
    return -1;
  }
  return 0;
}

// What multiprocessing starts its processes with ("spawn", "forkserver", the resource tracker); it
// raises no event.
constexpr const char kForkExec[] = "_posixsubprocess.fork_exec(), of multiprocessing,";

PyObject* refuse_fork_exec(PyObject*, PyObject*) {
  refuse(kForkExec);
  return nullptr;
}

PyObject* refuse_fast_fork_exec(PyObject*, PyObject* const*, Py_ssize_t) {
  refuse(kForkExec);
  return nullptr;
}

}  // namespace

bool enter_sandbox() noexcept { return PySys_AddAuditHook(&look_at_event, nullptr) == 0; }

bool close_gaps_of_sandbox(const Attached& py) noexcept {
  const PyRef module = PyRef::steal(PyImport_ImportModule("_posixsubprocess"));
  if (!module) return false;
  const PyRef function = PyRef::steal(PyObject_GetAttrString(module.get(), "fork_exec"));
  if (!function) return false;
  // For all interpreters, also those that come later.
  return replace_builtin(py, function.get(), &refuse_fork_exec, &refuse_fast_fork_exec);
}

}  // namespace ep
