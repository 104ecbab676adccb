// erlang.Atom.
#include "convert/codec.h"
#include "convert/types.h"
#include "cpython/slot.h"

namespace ep::convert {
namespace {

/// Atom(name): an atom that exists, never a new one.
PyObject* construct(PyTypeObject* type, PyObject* args, PyObject* kwargs) noexcept {
  return slot(type, [&](const Attached& py) -> PyRef {
    PyObject* name;
    static const char* const kNames[] = {"name", nullptr};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U:Atom", const_cast<char**>(kNames), &name)) {
      return nullptr;
    }
    return py.interpreter().codec->find_atom(py, name);
  });
}

PyObject* repr(PyObject* self) noexcept {
  const PyRef text = PyRef::steal(PyUnicode_Type.tp_repr(self));
  return text ? PyUnicode_FromFormat("Atom(%U)", text.get()) : nullptr;
}

PyObject* copy(PyObject* self, PyObject*) noexcept { return Py_NewRef(self); }

PyMethodDef kMethods[] = {
    {"__copy__", copy, METH_NOARGS, nullptr},
    {"__deepcopy__", copy, METH_O, nullptr},
    {},
};

constexpr char kDoc[] =
    "Atom(name)\n--\n\n"
    "An Erlang atom: a str that becomes an atom, not a binary, on its way to Erlang.\n\n"
    "Only atoms that the Erlang side already has can be made; any other name is a ValueError.";

}  // namespace

PyTypeObject* make_atom_type(const Attached&, PyObject* module) noexcept {
  PyType_Slot slots[] = {
      {Py_tp_new, reinterpret_cast<void*>(construct)},
      {Py_tp_repr, reinterpret_cast<void*>(repr)},
      {Py_tp_methods, kMethods},
      {Py_tp_doc, const_cast<char*>(kDoc)},
      {},
  };
  PyType_Spec spec = {"erlang.Atom", sizeof(AtomObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};
  PyObject* base = reinterpret_cast<PyObject*>(&PyUnicode_Type);
  return reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, base));
}

PyRef new_atom_object(const Attached&, PyTypeObject* type, PyObject* name,
                      ERL_NIF_TERM atom) noexcept {
  const PyRef args = PyRef::steal(PyTuple_Pack(1, name));
  if (!args) return nullptr;
  PyRef object = PyRef::steal(PyUnicode_Type.tp_new(type, args.get(), nullptr));
  if (object) as_atom_object(object.get())->term = atom;
  return object;
}

}  // namespace ep::convert
