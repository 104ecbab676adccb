#include "task/delivery_type.h"

#include <structmember.h>

#include <new>

#include "cpython/slot.h"
#include "task/submission.h"

namespace ep::task {
namespace {

struct Delivery {
  PyObject_HEAD
  vectorcallfunc vectorcall;
  ResourceRef<Submission> submission;
};

PyObject* deliver(PyObject* self, PyObject* const* arguments, size_t count, PyObject*) noexcept {
  return slot([&](const Attached& py) -> PyRef {
    if (PyVectorcall_NARGS(count) != 1) {
      PyErr_SetString(PyExc_TypeError, "expected one argument, the finished task");
      return nullptr;
    }
    const auto submission = std::move(reinterpret_cast<Delivery*>(self)->submission);
    if (submission) submission->finish_task(py, arguments[0]);
    return PyRef::borrow(Py_None);
  });
}

void deallocate(PyObject* self) noexcept {
  PyTypeObject* const type = Py_TYPE(self);
  reinterpret_cast<Delivery*>(self)->submission.~ResourceRef();
  type->tp_free(self);
  Py_DECREF(type);
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

}  // namespace

PyTypeObject* make_delivery_type(const Attached&, PyObject* module) {
  return reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &kSpec, nullptr));
}

PyRef new_task(const Attached&, Services& services, PyObject* loop, PyObject* awaitable,
               ResourceRef<Submission> submission) {
  const PythonNames& names = services.names;
  PyRef task;
  if (PyCoro_CheckExact(awaitable)) {
    PyObject* const arguments[] = {loop, awaitable};
    task = PyRef::steal(PyObject_VectorcallMethod(
        names.create_task, arguments, 2, nullptr));
  } else {
    task = PyRef::steal(
        PyObject_CallFunctionObjArgs(names.ensure_future, awaitable, loop, nullptr));
  }
  if (!task) return nullptr;
  const PyRef delivery = make_delivery(names.delivery, std::move(submission));
  if (!delivery) return nullptr;
  PyObject* const arguments[] = {task.get(), delivery.get()};
  const PyRef added =
      PyRef::steal(PyObject_VectorcallMethod(names.add_done_callback, arguments, 2, nullptr));
  return added ? std::move(task) : PyRef();
}

}  // namespace ep::task
