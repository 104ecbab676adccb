#include "runtime/forked_child.h"

#include <dlfcn.h>
#include <erl_nif.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <utility>

#include "cpython/slot.h"
#include "runtime/executor.h"
#include "runtime/exit_guard.h"
#include "runtime/steps.h"

namespace ep {
namespace {

constexpr const char* kName = "erlang_python.ForkedChild";

/// What the forking thread blocked before; a fork is one thread's business.
sigset_t& saved_mask() noexcept {
  static thread_local sigset_t mask;
  return mask;
}

/// `self` of the hooks is `_erlang` and a capsule.
ForkedChild& watcher(PyObject* self) noexcept {
  return *static_cast<ForkedChild*>(PyCapsule_GetPointer(PyTuple_GET_ITEM(self, 1), kName));
}

PyObject* before_fork(PyObject* self, PyObject*) noexcept {
  watcher(self).before();
  Py_RETURN_NONE;
}

PyObject* after_in_parent(PyObject* self, PyObject*) noexcept {
  watcher(self).in_parent();
  Py_RETURN_NONE;
}

PyObject* after_in_child(PyObject* self, PyObject*) noexcept {
  return module_slot(PyTuple_GET_ITEM(self, 0), [&](const Attached& py) {
    watcher(self).in_child(py);
    return PyRef::borrow(Py_None);
  });
}

const PyMethodDef kHooks[] = {
    {"before", before_fork, METH_NOARGS, nullptr},
    {"after_in_parent", after_in_parent, METH_NOARGS, nullptr},
    {"after_in_child", after_in_child, METH_NOARGS, nullptr},
};

/// They would write to pipes that are the parent's, too: a SIGTERM would stop the node.
void forget_handlers_of_vm() noexcept {
  Dl_info vm;
  if (dladdr(reinterpret_cast<void*>(&enif_send), &vm) == 0) return;
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action;
    if (sigaction(number, nullptr, &action) != 0) continue;
    if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) continue;
    Dl_info owner;
    if (dladdr(reinterpret_cast<void*>(action.sa_handler), &owner) == 0) continue;
    if (owner.dli_fbase == vm.dli_fbase) signal(number, SIG_DFL);
  }
}

PyRef exit_steps(const PyRef& exception) noexcept {
  const PyRef ending = PyRef::steal(PyImport_ImportModule("erlang._ending"));
  if (!ending) return nullptr;
  PyObject* const error = exception ? exception.get() : Py_None;
  return PyRef::steal(PyObject_CallMethod(ending.get(), "steps", "O", error));
}

}  // namespace

bool ForkedChild::watch(const Attached&, PyObject* module,
                        std::function<void(const Attached&)> forget) {
  forget_ = std::move(forget);
  main_thread_ = pthread_self();
  const PyRef capsule = PyRef::steal(PyCapsule_New(this, kName, nullptr));
  const PyRef self = capsule ? PyRef::steal(PyTuple_Pack(2, module, capsule.get())) : PyRef();
  const PyRef os = PyRef::steal(PyImport_ImportModule("os"));
  const PyRef hooks = PyRef::steal(PyDict_New());
  if (!self || !os || !hooks) return false;
  for (const PyMethodDef& hook : kHooks) {
    const PyRef function =
        PyRef::steal(PyCFunction_New(const_cast<PyMethodDef*>(&hook), self.get()));
    if (!function || PyDict_SetItemString(hooks.get(), hook.ml_name, function.get()) != 0) {
      return false;
    }
  }
  const PyRef none = PyRef::steal(PyTuple_New(0));
  const PyRef add = PyRef::steal(PyObject_GetAttrString(os.get(), "register_at_fork"));
  return none && add && PyRef::steal(PyObject_Call(add.get(), none.get(), hooks.get()));
}

/// A signal that comes before the VM's handlers are gone has to wait.
void ForkedChild::before() noexcept {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &saved_mask());
}

void ForkedChild::in_parent() noexcept { pthread_sigmask(SIG_SETMASK, &saved_mask(), nullptr); }

void ForkedChild::in_child(const Attached& py) noexcept {
  here_.store(true);
  if (Executor* const executor = Executor::current()) {
    executor->forget_jobs(py);
    // In bin/erlpy all but the program's threads block signals, for the program's sake.
    if (pthread_equal(pthread_self(), main_thread_) == 0) sigemptyset(&saved_mask());
  }
  forget_(py);
  forget_handlers_of_vm();
  // In front of whatever libraries have registered: a thread that forked and returns ends in
  // exit(). It has no last words, and lives as long as the process.
  std::make_unique<ExitGuard>([] {}).release()->look();
  pthread_sigmask(SIG_SETMASK, &saved_mask(), nullptr);
}

void ForkedChild::end(const Attached& py, const PyRef& exception) noexcept {
  const PyRef steps = exit_steps(exception);
  const PyRef status = steps ? run_steps(py, steps.get(), [] {}) : nullptr;
  const long number = status ? PyLong_AsLong(status.get()) : -1;
  if (PyErr_Occurred() != nullptr) PyErr_WriteUnraisable(nullptr);
  leave(number < 0 ? 1 : static_cast<int>(number));
}

void ForkedChild::leave(int status) noexcept {
  std::fflush(nullptr);  // what C code of extension modules has printed
  ::_exit(status);
}

}  // namespace ep
