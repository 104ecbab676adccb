#include "task/delivery_type.h"

#include <structmember.h>

#include <new>
#include <utility>

#include "cpython/heap_type.h"
#include "cpython/slot.h"
#include "task/submission.h"

namespace ep::task {
namespace {

struct Delivery {
  PyObject_HEAD vectorcallfunc vectorcall;
  ResourceRef<Submission> submission;
};

PyObject* deliver(PyObject* self, PyObject* const* arguments, size_t count, PyObject*) noexcept {
  return slot(self, [&](const Attached& py) -> PyRef {
    if (PyVectorcall_NARGS(count) != 1) {
      PyErr_SetString(PyExc_TypeError, "expected one argument, the finished task");
      return nullptr;
    }
    const auto submission =
        std::exchange(reinterpret_cast<Delivery*>(self)->submission, ResourceRef<Submission>());
    if (submission) submission->finish_task(py, arguments[0]);
    return PyRef::borrow(Py_None);
  });
}

void deallocate(PyObject* self) noexcept {
  auto& submission = reinterpret_cast<Delivery*>(self)->submission;
  if (submission) submission->lose_task(Dying(self));
  submission.~ResourceRef();
  free_object(self);
}

PyMemberDef kMembers[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Delivery, vectorcall), READONLY, nullptr},
    {},
};

PyType_Slot kSlots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_members, kMembers},
    {0, nullptr},
};

PyType_Spec kSpec = {
    "_erlang.Delivery",
    sizeof(Delivery),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    kSlots,
};

PyRef make_delivery(PyTypeObject* type, ResourceRef<Submission> submission) {
  PyRef made = PyRef::steal(type->tp_alloc(type, 0));
  if (!made) return nullptr;
  auto* const delivery = reinterpret_cast<Delivery*>(made.get());
  delivery->vectorcall = deliver;
  new (&delivery->submission) ResourceRef<Submission>(std::move(submission));
  return made;
}

PyRef make_task(const PythonNames& names, PyObject* loop, PyObject* awaitable) {
  if (!PyCoro_CheckExact(awaitable)) {
    return PyRef::steal(
        PyObject_CallFunctionObjArgs(names.ensure_future, awaitable, loop, nullptr));
  }
  // Named after its function: that tells more than a number, and costs less than making one up.
  const PyRef name = PyRef::steal(PyObject_GetAttr(awaitable, names.qualname));
  if (!name) return nullptr;
  PyObject* const arguments[] = {loop, awaitable, name.get()};
  return PyRef::steal(
      PyObject_VectorcallMethod(names.create_task, arguments, 2, names.create_task_keywords.get()));
}

/// A task runs in a copy of the context that it is made in, and hands that on to what it starts.
PyRef make_task_for(const PythonNames& names, PyObject* loop, PyObject* awaitable,
                    PyObject* delivery) {
  const PyRef token = PyRef::steal(PyContextVar_Set(names.delivery_variable.get(), delivery));
  if (!token) return nullptr;
  PyRef task = make_task(names, loop, awaitable);
  return PyContextVar_Reset(names.delivery_variable.get(), token.get()) == 0 ? std::move(task)
                                                                             : PyRef();
}

}  // namespace

PyRef make_delivery_type(const Attached&, PyObject* module) {
  return PyRef::steal(PyType_FromModuleAndSpec(module, &kSpec, nullptr));
}

ResourceRef<Submission> submission_of_context(const Attached& py) noexcept {
  if (py.interpreter().names == nullptr) return {};  // outside of a node nobody asks for anything
  PyObject* value = nullptr;
  if (PyContextVar_Get(names_of(py).delivery_variable.get(), nullptr, &value) != 0) PyErr_Clear();
  const PyRef delivery = PyRef::steal(value);
  if (!delivery || Py_TYPE(delivery.get()) != names_of(py).delivery_type()) return {};
  return reinterpret_cast<Delivery*>(delivery.get())->submission;
}

PyRef new_task(const Attached& py, PyObject* loop, PyObject* awaitable,
               ResourceRef<Submission> submission) {
  const PythonNames& names = names_of(py);
  const PyRef delivery = make_delivery(names.delivery_type(), std::move(submission));
  if (!delivery) return nullptr;
  PyRef task = make_task_for(names, loop, awaitable, delivery.get());
  PyRef added;
  if (task) {
    PyObject* const arguments[] = {task.get(), delivery.get()};
    added = PyRef::steal(PyObject_VectorcallMethod(names.add_done_callback, arguments, 2, nullptr));
  }
  if (added) return task;
  // The error is the result then; the delivery must not make one of its own.
  reinterpret_cast<Delivery*>(delivery.get())->submission = {};
  return nullptr;
}

}  // namespace ep::task
