// erlang.Pid, Ref, Port and Fun.
#include <algorithm>
#include <array>

#include "convert/types.h"
#include "cpython/heap_type.h"
#include "cpython/slot.h"

namespace ep::convert {
namespace {

void dealloc(PyObject* self) noexcept {
  // A fun's environment may hold the last term of a NIF resource, and destroy that.
  if (ErlNifEnv* env = as_term_object(self)->env) enif_free_env(env);
  free_object(self);
}

Py_hash_t hash(PyObject* self) noexcept { return as_term_object(self)->hash; }

PyObject* compare(PyObject* self, PyObject* other, int op) noexcept {
  if (Py_TYPE(self) != Py_TYPE(other) || (op != Py_EQ && op != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
  const bool equal = enif_is_identical(as_term_object(self)->term, as_term_object(other)->term);
  return PyBool_FromLong(equal == (op == Py_EQ));
}

/// <erlang.Pid <0.123.0>>
PyObject* repr(PyObject* self) noexcept {
  std::array<char, 256> text;
  const int size = enif_snprintf(text.data(), text.size(), "%T", as_term_object(self)->term);
  const int shown = std::clamp(size, 0, static_cast<int>(text.size()) - 1);
  const PyRef shown_text = PyRef::steal(PyUnicode_DecodeUTF8(text.data(), shown, "replace"));
  if (!shown_text) return nullptr;
  return PyUnicode_FromFormat("<%s %U>", Py_TYPE(self)->tp_name, shown_text.get());
}

/// Who finds a plain reference where an object should be learns why.
PyObject* get_attribute(PyObject* self, PyObject* name) noexcept {
  PyObject* const value = PyObject_GenericGetAttr(self, name);
  if (value == nullptr && PyErr_ExceptionMatches(PyExc_AttributeError)) {
    PyErr_Clear();
    PyErr_Format(PyExc_AttributeError,
                 "'erlang.Ref' object has no attribute %R: this reference is to no Python object, "
                 "or to one that has gone",
                 name);
  }
  return value;
}

PyObject* copy(PyObject* self, PyObject*) noexcept { return Py_NewRef(self); }

/// fun(*args) is _erlang.call(fun, *args).
PyObject* call(PyObject* self, PyObject* args, PyObject* kwargs) noexcept {
  return slot(self, [&](const Attached&) -> PyRef {
    if (kwargs != nullptr && PyDict_GET_SIZE(kwargs) > 0) {
      PyErr_SetString(PyExc_TypeError, "an Erlang fun takes no keyword arguments");
      return nullptr;
    }
    PyObject* module = PyType_GetModule(Py_TYPE(self));
    if (module == nullptr) return nullptr;
    const PyRef function = PyRef::steal(PyObject_GetAttrString(module, "call"));
    if (!function) return nullptr;
    const Py_ssize_t count = PyTuple_GET_SIZE(args);
    const PyRef all = PyRef::steal(PyTuple_New(count + 1));
    if (!all) return nullptr;
    PyTuple_SET_ITEM(all.get(), 0, Py_NewRef(self));
    for (Py_ssize_t i = 0; i < count; ++i) {
      PyTuple_SET_ITEM(all.get(), i + 1, Py_NewRef(PyTuple_GET_ITEM(args, i)));
    }
    return PyRef::steal(PyObject_Call(function.get(), all.get(), nullptr));
  });
}

PyMethodDef kMethods[] = {
    {"__copy__", copy, METH_NOARGS, nullptr},
    {"__deepcopy__", copy, METH_O, nullptr},
    {},
};

/// `own`: a slot that the others do not have.
PyTypeObject* make_type(PyObject* module, const char* name, const char* doc,
                        PyType_Slot own = {}) noexcept {
  PyType_Slot slots[] = {
      {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
      {Py_tp_hash, reinterpret_cast<void*>(hash)},
      {Py_tp_richcompare, reinterpret_cast<void*>(compare)},
      {Py_tp_repr, reinterpret_cast<void*>(repr)},
      {Py_tp_methods, kMethods},
      {Py_tp_doc, const_cast<char*>(doc)},
      own,
      {},
  };
  PyType_Spec spec = {
      name, sizeof(TermObject), 0,
      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE, slots};
  return reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
}

/// Are processes and ports of this node, which are plain words, not pointers into an environment.
bool is_plain_word(ErlNifEnv* env, ERL_NIF_TERM term) noexcept {
  ErlNifPid pid;
  ErlNifPort port;
  return enif_get_local_pid(env, term, &pid) || enif_get_local_port(env, term, &port);
}

}  // namespace

PyTypeObject* make_pid_type(const Attached&, PyObject* module) noexcept {
  return make_type(module, "erlang.Pid", "An Erlang process, of this node or another.");
}

PyTypeObject* make_ref_type(const Attached&, PyObject* module) noexcept {
  return make_type(module, "erlang.Ref", "An Erlang reference.",
                   {Py_tp_getattro, reinterpret_cast<void*>(get_attribute)});
}

PyTypeObject* make_port_type(const Attached&, PyObject* module) noexcept {
  return make_type(module, "erlang.Port", "An Erlang port.");
}

PyTypeObject* make_fun_type(const Attached&, PyObject* module) noexcept {
  return make_type(module, "erlang.Fun",
                   "An Erlang fun. Calling it runs it in an Erlang process, as erlang.call() does.",
                   {Py_tp_call, reinterpret_cast<void*>(call)});
}

PyRef new_term_object(const Attached&, PyTypeObject* type, ErlNifEnv* env,
                      ERL_NIF_TERM term) noexcept {
  PyRef object = PyRef::steal(type->tp_alloc(type, 0));
  if (!object) return nullptr;
  TermObject* self = as_term_object(object.get());
  self->env = is_plain_word(env, term) ? nullptr : enif_alloc_env();
  self->term = self->env == nullptr ? term : enif_make_copy(self->env, term);
  // Never -1, which means an error: the VM's hash has 32 bits.
  self->hash = static_cast<Py_hash_t>(enif_hash(ERL_NIF_INTERNAL_HASH, term, 0) & 0x7FFFFFFF);
  return object;
}

}  // namespace ep::convert
