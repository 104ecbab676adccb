#include "convert/numpy_types.h"

#include <utility>

namespace ep::convert {

NumpyTypes::Kind NumpyTypes::kind_of(const Attached&, PyTypeObject* type) noexcept {
  if (!find()) return Kind::kNone;
  if (derives(type, kBool)) return Kind::kBoolean;
  if (derives(type, kInteger) && !derives(type, kTimedelta)) return Kind::kInteger;
  if (derives(type, kFloating) && !derives(type, kLongDouble)) return Kind::kFloat;
  return Kind::kNone;
}

/// False while the module is not there, or is still being imported.
bool NumpyTypes::find() noexcept {
  PyObject* const module = PyDict_GetItemString(PyImport_GetModuleDict(), "numpy");
  if (module == nullptr) return false;
  if (module == module_.get()) return true;
  const PyRef held = PyRef::borrow(module);
  std::array<PyRef, kTypes> found;
  for (std::size_t i = 0; i < kTypes; ++i) {
    found[i] = PyRef::steal(PyObject_GetAttrString(module, kNames[i]));
    if (!found[i] || !PyType_Check(found[i].get())) {
      PyErr_Clear();
      return false;
    }
  }
  types_ = std::move(found);
  module_ = PyRef::borrow(module);
  return true;
}

bool NumpyTypes::derives(PyTypeObject* type, std::size_t index) const noexcept {
  return PyType_IsSubtype(type, reinterpret_cast<PyTypeObject*>(types_[index].get())) != 0;
}

}  // namespace ep::convert
