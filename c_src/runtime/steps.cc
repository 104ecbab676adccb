#include "runtime/steps.h"

#include "cpython/error.h"

namespace ep {
namespace {

void report_ignored(PyObject* subject) {
#if PY_VERSION_HEX >= 0x030D0000
  if (PyUnicode_Check(subject)) return PyErr_FormatUnraisable("%U", subject);
#endif
  PyErr_WriteUnraisable(subject);
}

/// What a step raises, or None.
PyRef error_of(const Attached& py, PyObject* step, PyObject* subject) {
  const PyRef result = PyRef::steal(PyObject_CallNoArgs(step));
  if (result) return PyRef::borrow(Py_None);
  PyRef error = take_error(py);
  if (subject != Py_None) {
    restore_error(py, error);
    report_ignored(subject);
  }
  return error;
}

}  // namespace

PyRef run_steps(const Attached& py, PyObject* steps, const std::function<void()>& between) {
  PyRef answer = PyRef::borrow(Py_None);
  for (;;) {
    PyObject* yielded = nullptr;
    const PySendResult sent = PyIter_Send(steps, answer.get(), &yielded);
    PyRef step = PyRef::steal(yielded);
    if (sent != PYGEN_NEXT) return step;
    answer = error_of(py, PyTuple_GetItem(step.get(), 0), PyTuple_GetItem(step.get(), 1));
    between();
  }
}

}  // namespace ep
