#include "convert/codec.h"

#include "base/utf8.h"
#include "beam/binary.h"
#include "beam/external.h"
#include "convert/types.h"
#include "cpython/slot.h"

namespace ep::convert {
namespace {

PyRef checked(PyObject* owned) {
  if (owned == nullptr) throw PythonError{};
  return PyRef::steal(owned);
}

PyTypeObject* checked(PyTypeObject* owned) {
  if (owned == nullptr) throw PythonError{};
  return owned;
}

PyRef str_of(std::string_view utf8) {
  return checked(PyUnicode_DecodeUTF8(utf8.data(), static_cast<Py_ssize_t>(utf8.size()), "strict"));
}

}  // namespace

Codec::Codec(const Attached& py, PyObject* module, const BeamContext& beam,
             std::shared_ptr<DropQueue> drops)
    : module_(module), beam_(beam), drops_(std::move(drops)) {
  term_types_[kPid] = checked(make_pid_type(py, module));
  term_types_[kRef] = checked(make_ref_type(py, module));
  term_types_[kPort] = checked(make_port_type(py, module));
  term_types_[kFun] = checked(make_fun_type(py, module));
  atom_type_ = checked(make_atom_type(py, module));
  atoms_by_name_ = checked(PyDict_New());
  const OwnedEnv env;
  learn_constants(py, env.get());
}

Codec::~Codec() {
  for (PyTypeObject* type : term_types_) Py_XDECREF(type);
  Py_XDECREF(atom_type_);
}

int Codec::traverse(visitproc visit, void* arg) const {
  for (PyTypeObject* type : term_types_) Py_VISIT(type);
  Py_VISIT(atom_type_);
  return 0;
}

void Codec::publish(const Attached&, PyObject* module) const {
  if (PyModule_AddType(module, atom_type_) != 0) throw PythonError();
  for (PyTypeObject* type : term_types_) {
    if (PyModule_AddType(module, type) != 0) throw PythonError();
  }
}

void Codec::learn_constants(const Attached&, ErlNifEnv* env) {
  const auto learn = [&](ERL_NIF_TERM atom, PyObject* object) {
    atom_table_.insert(atom, str_of(atom_text(env, atom)), PyRef::borrow(object));
  };
  learn(atoms().true_, Py_True);
  learn(atoms().false_, Py_False);
  learn(atoms().none, Py_None);
  learn(atoms().nil, Py_None);
  learn(atoms().undefined, Py_None);
}

AtomTable::Entry& Codec::seen(const Attached& py, ErlNifEnv* env, ERL_NIF_TERM atom) {
  if (AtomTable::Entry* known = atom_table_.find(atom)) return *known;
  PyObject* text = str_of(atom_text(env, atom)).release();
  PyUnicode_InternInPlace(&text);
  PyRef name = PyRef::steal(text);
  PyRef object = atom_object(py, name.get(), atom);
  // Making those may have run Python code, by way of the garbage collector, and that this function.
  if (AtomTable::Entry* known = atom_table_.find(atom)) return *known;
  return atom_table_.insert(atom, std::move(name), std::move(object));
}

PyRef Codec::atom_object(const Attached& py, PyObject* name, ERL_NIF_TERM atom) {
  if (PyObject* known = PyDict_GetItemWithError(atoms_by_name_.get(), name)) {
    return PyRef::borrow(known);
  }
  if (PyErr_Occurred()) throw PythonError{};
  PyRef object = new_atom_object(py, atom_type_, name, atom);
  if (!object || PyDict_SetItem(atoms_by_name_.get(), name, object.get()) < 0) throw PythonError{};
  return object;
}

PyRef Codec::find_atom(const Attached& py, PyObject* name) noexcept {
  return translate_errors(py, [&]() -> PyRef {
    if (!PyUnicode_Check(name)) {
      PyErr_Format(PyExc_TypeError, "an atom's name is a str, not %.200s", Py_TYPE(name)->tp_name);
      return nullptr;
    }
    // A plain str, whatever subclass it is: the dict below must not run foreign code.
    const PyRef text = PyRef::steal(PyUnicode_FromObject(name));
    if (!text) return nullptr;
    if (PyObject* known = PyDict_GetItemWithError(atoms_by_name_.get(), text.get())) {
      return PyRef::borrow(known);
    }
    if (PyErr_Occurred()) return nullptr;
    if (PyUnicode_GET_LENGTH(text.get()) > static_cast<Py_ssize_t>(kMaxAtomCharacters)) {
      PyErr_Format(PyExc_ValueError, "an atom has at most %zu characters, not %zd",
                   kMaxAtomCharacters, PyUnicode_GET_LENGTH(text.get()));
      return nullptr;
    }
    Py_ssize_t size;
    const char* utf8 = PyUnicode_AsUTF8AndSize(text.get(), &size);
    if (utf8 == nullptr) return nullptr;  // a UnicodeEncodeError, which is a ValueError
    ERL_NIF_TERM atom;
    if (!existing_atom({utf8, static_cast<std::size_t>(size)}, &atom)) {
      PyErr_Format(PyExc_ValueError,
                   "no atom %R exists on the Erlang side, and Python may not create one",
                   text.get());
      return nullptr;
    }
    return atom_object(py, text.get(), atom);
  });
}

PyRef Codec::name(const Attached& py, ErlNifEnv* env, ERL_NIF_TERM term) noexcept {
  try {
    if (enif_is_atom(env, term)) return seen(py, env, term).name;
    const auto bytes = binary_view(env, term);
    if (bytes && classify_utf8(*bytes) != Utf8::kInvalid) return str_of(*bytes);
  } catch (...) {
    PyErr_Clear();  // out of memory
  }
  return nullptr;
}

PyRef Codec::wrap(const Attached& py, TermTypeIndex index, ErlNifEnv* env, ERL_NIF_TERM term) {
  PyRef object = new_term_object(py, term_types_[index], env, term);
  if (!object) throw PythonError{};
  return object;
}

PyRef Codec::make_pid(const Attached& py, const ErlNifPid& pid) noexcept {
  return new_term_object(py, term_types_[kPid], nullptr, enif_make_pid(nullptr, &pid));
}

bool Codec::is_wrapped_term(PyTypeObject* type) const noexcept {
  for (PyTypeObject* term_type : term_types_) {
    if (type == term_type) return true;
  }
  return false;
}

bool Codec::get_pid(PyObject* object, ErlNifPid* pid) const noexcept {
  return is_pid(object) && enif_get_local_pid(nullptr, as_term_object(object)->term, pid);
}

bool Codec::get_term(PyObject* object, ERL_NIF_TERM* term) const noexcept {
  if (is_atom(object)) {
    *term = as_atom_object(object)->term;
    return true;
  }
  if (!is_wrapped_term(Py_TYPE(object))) return false;
  *term = as_term_object(object)->term;
  return true;
}

ERL_NIF_TERM Codec::to_opaque(const Attached& py, ErlNifEnv* dst, PyObject* object) {
  return beam_.opaque.make(DeferredRef(py, PyRef::borrow(object), drops_)).term(dst);
}

PyRef Codec::error_type(const Attached&, const char* name) noexcept {
  const PyRef errors = PyRef::steal(PyImport_ImportModule("erlang._errors"));
  if (!errors) return nullptr;
  return PyRef::steal(PyObject_GetAttrString(errors.get(), name));
}

}  // namespace ep::convert
