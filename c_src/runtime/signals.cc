#include "runtime/signals.h"

#include <pthread.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <cerrno>

#include "cpython/ref.h"

namespace ep {
namespace {

using Handler = void (*)(int);

// The one mutable state of the library that hangs off nothing: a signal handler is given a number
// and no more. Written on Python's main thread, before the handler that reads it is installed.
pthread_t python_thread;
std::array<std::atomic<Handler>, NSIG> python_handlers;
static_assert(std::atomic<Handler>::is_always_lock_free, "read by a signal handler");

/// Any thread, at any point: nothing but async-signal-safe calls.
void forward(int signal_number) {
  const int saved_errno = errno;
  if (pthread_equal(pthread_self(), python_thread) != 0) {
    python_handlers[static_cast<std::size_t>(signal_number)].load()(signal_number);
  } else {
    pthread_kill(python_thread, signal_number);
  }
  errno = saved_errno;
}

bool raised_by_faults(int signal_number) {
  switch (signal_number) {
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGSEGV:
    case SIGSYS:
    case SIGTRAP:
      return true;
    default:
      return false;
  }
}

/// Puts forward() around the handler that is installed now, if it is a function.
void wrap_handler(int signal_number) {
  struct sigaction action;
  if (raised_by_faults(signal_number) || sigaction(signal_number, nullptr, &action) != 0) return;
  const bool is_function = (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler != SIG_DFL &&
                           action.sa_handler != SIG_IGN && action.sa_handler != &forward;
  if (!is_function) return;
  python_handlers[static_cast<std::size_t>(signal_number)].store(action.sa_handler);
  action.sa_handler = &forward;
  action.sa_flags |= SA_ONSTACK;  // Erlang code has no stack that a handler could run on
  sigaction(signal_number, &action, nullptr);
}

/// Stands where `_signal.signal` was, which is its `self`.
PyObject* signal_and_wrap(PyObject* original, PyObject* args) {
  PyRef previous = PyRef::steal(PyObject_Call(original, args, nullptr));
  if (!previous) return nullptr;
  const PyRef number = PyRef::steal(PyNumber_Index(PyTuple_GET_ITEM(args, 0)));
  if (!number) return nullptr;
  wrap_handler(static_cast<int>(PyLong_AsLong(number.get())));  // the original has checked it
  return previous.release();
}

PyMethodDef kSignalAndWrap = {"signal", signal_and_wrap, METH_VARARGS,
                              PyDoc_STR("signal($module, signalnum, handler, /)\n--\n\n"
                                        "Set the action for the given signal.")};

}  // namespace

bool forward_signals_to_this_thread(const Attached&) noexcept {
  python_thread = pthread_self();
  // signal.signal() looks it up there at each call.
  const PyRef module = PyRef::steal(PyImport_ImportModule("_signal"));
  if (!module) return false;
  const PyRef original = PyRef::steal(PyObject_GetAttrString(module.get(), "signal"));
  if (!original) return false;
  const PyRef wrapper = PyRef::steal(PyCFunction_New(&kSignalAndWrap, original.get()));
  return wrapper && PyObject_SetAttrString(module.get(), "signal", wrapper.get()) == 0;
}

}  // namespace ep
