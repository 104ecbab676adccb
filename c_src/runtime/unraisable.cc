#include "runtime/unraisable.h"

#include "cpython/ref.h"
#include "cpython/slot.h"
#include "runtime/executor.h"

namespace ep {
namespace {

constexpr const char kHook[] = "unraisablehook";

/// sys.unraisablehook(unraisable); `self` is `_erlang` and the hook that was there before.
PyObject* hook(PyObject* self, PyObject* unraisable) noexcept {
  return module_slot(PyTuple_GET_ITEM(self, 0), [&](const Attached& py) -> PyRef {
    const PyRef type = PyRef::steal(PyObject_GetAttrString(unraisable, "exc_type"));
    if (!type) return nullptr;
    Executor* const executor = Executor::current();
    if (executor != nullptr &&
        executor->interrupt_again(py, type.get()) == Interruption<PyObject*>::Again::kYes) {
      return PyRef::borrow(Py_None);
    }
    return PyRef::steal(PyObject_CallOneArg(PyTuple_GET_ITEM(self, 1), unraisable));
  });
}

const PyMethodDef kDefinition = {
    kHook, hook, METH_O,
    PyDoc_STR("Raises an interruption of an Erlang call once more; passes "
              "on all else.")};

}  // namespace

bool keep_interruptions(const Attached&, PyObject* module) noexcept {
  PyObject* const before = PySys_GetObject(kHook);  // borrowed
  if (before == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "there is no sys.unraisablehook");
    return false;
  }
  const PyRef self = PyRef::steal(PyTuple_Pack(2, module, before));
  if (!self) return false;
  const PyRef function =
      PyRef::steal(PyCFunction_New(const_cast<PyMethodDef*>(&kDefinition), self.get()));
  return function && PySys_SetObject(kHook, function.get()) == 0;
}

}  // namespace ep
