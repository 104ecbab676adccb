// Every place where we look at what CPython does not promise. Each has a probe, which tries it on
// objects of its own when the module is loaded; where that finds anything unexpected, the caller
// goes the documented way. (What is private to a version of the C API and checked by the compiler,
// as in cpython/integer.cc, is not among them.)
//
// Attached threads.
#pragma once

#include "cpython/attach.h"

namespace ep {

/// What the probes found; all false on a free-threaded build, where others may look at the same.
struct Internals {
  bool context_variables = false;  // variables_of_context(), borrowed_current_context()
  bool bytes_reuse = false;        // renew_bytes()
  bool socket_descriptor = false;  // descriptor_of_socket(); by probe_socket()
  bool type_versions = false;      // version_of_type()

  /// Of all but sockets, whose module not every program imports. Throws PythonError.
  static Internals probe(const Attached& py);
  /// Throws PythonError.
  void probe_socket(const Attached& py, PyObject* socket_class);
};

/// The current context, which a thread has only when a variable was set in it; else null.
PyObject* borrowed_current_context(const Attached&) noexcept;

/// The mapping that holds the variables of `context`, or null. It is immutable: setting a variable
/// puts another in its place, so contexts with the same mapping are equal. There is no function
/// that tells it, but what shows the garbage collector all that a context refers to.
const PyObject* variables_of_context(PyObject* context) noexcept;

/// What fileno() of a socket.socket would say, without the call.
int descriptor_of_socket(PyObject* socket) noexcept;

/// The content of a bytes object that only the caller knows has been replaced: what was derived
/// from the old one is forgotten.
void renew_bytes(PyObject* bytes) noexcept;

/// A number that changes with the attributes of the type and of its bases, and that no other type
/// has ever had. 0: it has none now, and gets one, as a rule, when an attribute is looked up.
unsigned version_of_type(const PyTypeObject* type) noexcept;

/// Makes a built-in function call others from now on, under whatever name and in whatever
/// interpreter somebody has it. Which of the two depends on its calling convention; both must
/// ignore their first parameter. False: Python error set.
bool replace_builtin(const Attached&, PyObject* function, PyCFunction with_tuple,
                     PyObject* (*with_vector)(PyObject*, PyObject* const*, Py_ssize_t)) noexcept;

}  // namespace ep
