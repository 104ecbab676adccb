#include "cpython/original_methods.h"

#include "cpython/code_hash.h"
#include "cpython/interpreter.h"

namespace ep {
namespace {

/// Null, without an error, if there is none.
PyRef attribute_if_any(PyObject* object, PyObject* name) noexcept {
  PyRef found = PyRef::steal(PyObject_GetAttr(object, name));
  if (!found) PyErr_Clear();
  return found;
}

/// What the classes after `ours` give to `type` under that name.
PyRef inherited(PyObject* ours, PyObject* type, PyObject* name) noexcept {
  const PyRef rest = PyRef::steal(PyObject_CallFunctionObjArgs(
      reinterpret_cast<PyObject*>(&PySuper_Type), ours, type, nullptr));
  if (rest) return attribute_if_any(rest.get(), name);
  PyErr_Clear();
  return nullptr;
}

}  // namespace

OriginalMethods::OriginalMethods(const Attached& py, PyObject* type,
                                 std::span<const KnownFunction> functions, Ask ask, PyObject* ours)
    : ask_(ask), by_version_(py.interpreter().internals.type_versions), ours_(PyRef::borrow(ours)) {
  std::vector<Method> found;
  found.reserve(functions.size());
  for (const KnownFunction& function : functions) {
    Method method{Name(function.name), nullptr, nullptr};
    method.original = attribute_if_any(type, method.name);
    if (!method.original || !has_known_code(py, method.original.get(), function.hashes)) return;
    if (ours != nullptr) method.ours = attribute_if_any(ours, method.name);
    found.push_back(std::move(method));
  }
  methods_ = std::move(found);
}

bool OriginalMethods::are_those_of(const Attached& py, PyObject* object) const noexcept {
  if (!are_those_of_class(py, Py_TYPE(object))) return false;
  return ask_ == Ask::kMethods ? has_methods(object) : !hidden_by_dict(object);
}

bool OriginalMethods::are_those_of_class(const Attached&, PyTypeObject* type) const noexcept {
  if (methods_.empty()) return false;
  if (version_ != 0 && version_of_type(type) == version_) return true;
  if (type->tp_getattro != PyObject_GenericGetAttr) return false;  // it has ways of its own
  for (const Method& method : methods_) {
    if (!class_has(reinterpret_cast<PyObject*>(type), method)) return false;
  }
  if (by_version_) version_ = version_of_type(type);
  return true;
}

bool OriginalMethods::class_has(PyObject* type, const Method& method) const noexcept {
  PyRef found = attribute_if_any(type, method.name);
  if (found && found.get() == method.ours.get()) {
    found = inherited(ours_.get(), type, method.name);
  }
  return found.get() == method.original.get();
}

bool OriginalMethods::has_methods(PyObject* object) const noexcept {
  for (const Method& method : methods_) {
    const PyRef found = attribute_if_any(object, method.name);
    if (!found || !PyMethod_Check(found.get()) ||
        PyMethod_GET_FUNCTION(found.get()) != method.original.get() ||
        PyMethod_GET_SELF(found.get()) != object) {
      return false;
    }
  }
  return true;
}

bool OriginalMethods::hidden_by_dict(PyObject* object) const noexcept {
  const PyRef attributes = PyRef::steal(PyObject_GenericGetDict(object, nullptr));
  if (!attributes) {
    PyErr_Clear();
    return false;  // it can't have any
  }
  for (const Method& method : methods_) {
    if (PyDict_GetItemWithError(attributes.get(), method.name) != nullptr) return true;
  }
  return false;
}

int OriginalMethods::traverse(visitproc visit, void* arg) const {
  Py_VISIT(ours_.get());
  for (const Method& method : methods_) {
    Py_VISIT(method.original.get());
    Py_VISIT(method.ours.get());
  }
  return 0;
}

}  // namespace ep
