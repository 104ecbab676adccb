#include "cpython/internals.h"

#include <cstring>

#include "cpython/heap_type.h"
#include "cpython/or_throw.h"

namespace ep {
namespace {

/// Sets a variable for as long as it lives.
class VariableSet {
 public:
  VariableSet(const PyRef& variable, PyObject* value)
      : variable_(variable), token_(or_throw(PyContextVar_Set(variable.get(), value))) {}
  ~VariableSet() {
    if (PyContextVar_Reset(variable_.get(), token_.get()) != 0) PyErr_Clear();
  }
  VariableSet(const VariableSet&) = delete;
  VariableSet& operator=(const VariableSet&) = delete;

 private:
  const PyRef& variable_;
  const PyRef token_;
};

/// Copies share their mapping, with the context that they are copies of, until a variable is set.
bool probe_context_variables(const Attached& py) {
  const PyRef variable = or_throw(PyContextVar_New("erlang_python_probe", nullptr));
  const VariableSet first(variable, Py_None);
  const PyRef copy = or_throw(PyContext_CopyCurrent());
  const PyRef other = or_throw(PyContext_CopyCurrent());
  const PyObject* const variables = variables_of_context(copy.get());
  PyObject* const current = borrowed_current_context(py);
  if (variables == nullptr || variables != variables_of_context(other.get()) ||
      current == nullptr || !PyContext_CheckExact(current) ||
      variables != variables_of_context(current)) {
    return false;
  }
  const VariableSet second(variable, Py_True);
  const PyRef later = or_throw(PyContext_CopyCurrent());
  return variables_of_context(later.get()) != variables;
}

/// An object that is filled anew is as good as a new one, to those who hash and compare it, too.
bool probe_bytes_reuse() {
  constexpr Py_ssize_t kSize = 100;
  const PyRef reused = or_throw(PyBytes_FromStringAndSize(nullptr, kSize));
  std::memset(PyBytes_AS_STRING(reused.get()), 'a', kSize);
  const Py_hash_t before = PyObject_Hash(reused.get());
  std::memset(PyBytes_AS_STRING(reused.get()), 'b', kSize);
  renew_bytes(reused.get());
  const PyRef fresh = or_throw(PyBytes_FromStringAndSize(nullptr, kSize));
  std::memset(PyBytes_AS_STRING(fresh.get()), 'b', kSize);
  const Py_hash_t after = PyObject_Hash(reused.get());
  const Py_hash_t expected = PyObject_Hash(fresh.get());
  if (PyErr_Occurred()) throw PythonError();
  return after == expected && after != before && Py_REFCNT(reused.get()) == 1;
}

PyRef make_class(PyObject* bases) {
  return or_throw(PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyType_Type), "sO{}",
                                        "erlang_python_probe", bases));
}

/// As the method cache sees the class after a look-up.
unsigned version_after_lookup(const PyRef& type) {
  or_throw(PyObject_GetAttrString(type.get(), "__init__"));
  return version_of_type(reinterpret_cast<PyTypeObject*>(type.get()));
}

/// It stays while nothing changes, and goes with a change of the class and of its base.
bool probe_type_versions() {
  const PyRef no_bases = or_throw(PyTuple_New(0));
  const PyRef base = make_class(no_bases.get());
  const PyRef bases = or_throw(PyTuple_Pack(1, base.get()));
  const PyRef derived = make_class(bases.get());
  unsigned known = version_after_lookup(derived);
  if (known == 0 || known == version_after_lookup(base)) return false;
  for (const PyRef* changed : {&base, &derived}) {
    if (version_after_lookup(derived) != known) return false;
    for (const char* name : {"erlang_python_probe", "__init__"}) {
      if (PyObject_SetAttrString(changed->get(), name, Py_None) != 0) throw PythonError();
      if (version_of_type(reinterpret_cast<PyTypeObject*>(derived.get())) == known) return false;
      known = version_after_lookup(derived);
      if (known == 0) return false;
    }
  }
  return true;
}

int fileno_of(const PyRef& socket) {
  const PyRef number = or_throw(PyObject_CallMethod(socket.get(), "fileno", nullptr));
  return static_cast<int>(PyLong_AsLong(number.get()));
}

}  // namespace

Internals Internals::probe(const Attached& py) {
  if (kFreeThreaded) return {};
  return {.context_variables = probe_context_variables(py),
          .bytes_reuse = probe_bytes_reuse(),
          .type_versions = probe_type_versions()};
}

void Internals::probe_socket(const Attached&, PyObject* socket_class) {
  if (kFreeThreaded) return;
  const PyRef socket = or_throw(PyObject_CallNoArgs(socket_class));
  const int open = fileno_of(socket);
  const bool open_known = open >= 0 && descriptor_of_socket(socket.get()) == open;
  or_throw(PyObject_CallMethod(socket.get(), "close", nullptr));
  socket_descriptor = open_known && descriptor_of_socket(socket.get()) == fileno_of(socket);
}

PyObject* borrowed_current_context(const Attached&) noexcept {
  return PyThreadState_Get()->context;
}

const PyObject* variables_of_context(PyObject* context) noexcept {
  const PyObject* found = nullptr;
  const auto look = [](PyObject* object, void* result) {
    // Else it is the context that will be current again when this one is left.
    if (!PyContext_CheckExact(object)) *static_cast<const PyObject**>(result) = object;
    return 0;
  };
  Py_TYPE(context)->tp_traverse(context, look, &found);
  return found;
}

int descriptor_of_socket(PyObject* socket) noexcept {
  int descriptor;  // the first field of CPython's PySocketSockObject
  std::memcpy(&descriptor, reinterpret_cast<const char*>(socket) + sizeof(PyObject),
              sizeof descriptor);
  return descriptor;
}

void renew_bytes(PyObject* bytes) noexcept {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"  // there is no other way to it
  reinterpret_cast<PyBytesObject*>(bytes)->ob_shash = -1;
#pragma GCC diagnostic pop
}

unsigned version_of_type(const PyTypeObject* type) noexcept { return type->tp_version_tag; }

bool replace_builtin(const Attached&, PyObject* function, PyCFunction with_tuple,
                     PyObject* (*with_vector)(PyObject*, PyObject* const*, Py_ssize_t)) noexcept {
  if (!PyCFunction_Check(function)) {
    PyErr_Format(PyExc_TypeError, "%R is no built-in function", function);
    return false;
  }
  PyMethodDef* const definition = reinterpret_cast<PyCFunctionObject*>(function)->m_ml;
  const bool vector = (definition->ml_flags & METH_FASTCALL) != 0;
  definition->ml_meth = vector ? as_method(with_vector) : with_tuple;
  return true;
}

}  // namespace ep
