#include "loop/task_set.h"

#include "cpython/code_hash.h"
#include "cpython/heap_type.h"
#include "cpython/known_code.h"
#include "cpython/or_throw.h"
#include "cpython/slot.h"

namespace ep::loop {

#if PY_VERSION_HEX >= 0x030E0000 || defined(Py_GIL_DISABLED)

bool speed_up_task_set(const Attached&, PyObject*) noexcept { return true; }

#else

namespace {

constexpr const char* kTaskSet = PY_VERSION_HEX >= 0x030C0000 ? "_scheduled_tasks" : "_all_tasks";

/// What both functions are bound to: the attributes of the WeakSet that never change.
enum Part : Py_ssize_t { kData, kIterating, kPending, kRemove };  // set, set, list, function

PyObject* part(PyObject* self, Part which) noexcept { return PyTuple_GET_ITEM(self, which); }

/// WeakSet._remove(reference): the object is gone.
PyObject* remove(PyObject* self, PyObject* reference) noexcept {
  return foreign_slot([&]() -> PyRef {
    const bool iterating = PySet_GET_SIZE(part(self, kIterating)) > 0;
    const int result = iterating ? PyList_Append(part(self, kPending), reference)
                                 : PySet_Discard(part(self, kData), reference);
    return result < 0 ? PyRef() : PyRef::borrow(Py_None);
  });
}

/// WeakSet._commit_removals(): those that an iteration has put off.
bool commit_removals(PyObject* pending, PyObject* data) noexcept {
  for (Py_ssize_t size; (size = PyList_GET_SIZE(pending)) > 0;) {
    const PyRef reference = PyRef::borrow(PyList_GET_ITEM(pending, size - 1));
    if (PyList_SetSlice(pending, size - 1, size, nullptr) < 0) return false;
    if (PySet_Discard(data, reference.get()) < 0) return false;
  }
  return true;
}

/// WeakSet.add(object)
PyObject* add(PyObject* self, PyObject* object) noexcept {
  return foreign_slot([&]() -> PyRef {
    PyObject* const data = part(self, kData);
    if (!commit_removals(part(self, kPending), data)) return nullptr;
    const PyRef reference = PyRef::steal(PyWeakref_NewRef(object, part(self, kRemove)));
    if (!reference || PySet_Add(data, reference.get()) < 0) return nullptr;
    return PyRef::borrow(Py_None);
  });
}

const PyMethodDef kAdd = {"add", add, METH_O, PyDoc_STR("As weakref.WeakSet.add().")};
const PyMethodDef kRemoveDefinition = {"_remove", remove, METH_O, nullptr};

PyRef function(const PyMethodDef& definition, const PyRef& self) {
  return or_throw(PyCFunction_New(const_cast<PyMethodDef*>(&definition), self.get()));
}

bool is_known(const Attached& py, const PyRef& owner, const KnownFunction& function) {
  return has_known_code(py, attribute(owner, function.name).get(), function.hashes);
}

/// Is it a WeakSet, whose functions are those that the above was written after?
bool is_plain_weak_set(const Attached& py, PyObject* object) {
  const PyRef plain = attribute(import_module("weakref"), "WeakSet");
  if (reinterpret_cast<PyObject*>(Py_TYPE(object)) != plain.get()) return false;
  const PyRef dict = attribute(object, "__dict__");
  return PyDict_GetItemString(dict.get(), "add") == nullptr &&
         is_known(py, plain, known::kWeakSetAdd) && is_known(py, plain, known::kWeakSetCommit) &&
         is_known(py, PyRef::borrow(object), known::kWeakSetRemove);
}

void put(PyObject* object, const PyMethodDef& definition, const PyRef& function) {
  if (PyObject_SetAttrString(object, definition.ml_name, function.get()) != 0) throw PythonError();
}

void speed_up(const Attached& py, PyObject* task_set) {
  if (!is_plain_weak_set(py, task_set)) return;
  const PyRef data = attribute(task_set, "data");
  const PyRef iterating = attribute(task_set, "_iterating");
  const PyRef pending = attribute(task_set, "_pending_removals");
  if (!PySet_CheckExact(data.get()) || !PySet_CheckExact(iterating.get()) ||
      !PyList_CheckExact(pending.get())) {
    return;
  }
  const PyRef parts = or_throw(PyTuple_Pack(3, data.get(), iterating.get(), pending.get()));
  const PyRef its_remove = function(kRemoveDefinition, parts);
  const PyRef all =
      or_throw(PyTuple_Pack(4, data.get(), iterating.get(), pending.get(), its_remove.get()));
  put(task_set, kRemoveDefinition, its_remove);
  put(task_set, kAdd, function(kAdd, all));
}

}  // namespace

bool speed_up_task_set(const Attached& py, PyObject* tasks_module) noexcept {
  return translate_errors(py, [&] { speed_up(py, attribute(tasks_module, kTaskSet).get()); });
}

#endif

}  // namespace ep::loop
