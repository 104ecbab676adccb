// The heap types that stand for Erlang terms in Python: erlang.Atom, Pid, Ref, Port and Fun.
//
// Their instances are immutable, so any attached thread may use them. They own what they show: a
// Pid of this node is a plain word, the others keep a copy in an environment of their own.
#pragma once

#include "beam/env.h"
#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep::convert {

/// Pid, Ref, Port and Fun.
struct TermObject {
  PyObject ob_base;
  ERL_NIF_TERM term;
  ErlNifEnv* env;  // owns `term`; null if that is a plain word
  Py_hash_t hash;
};

/// A str with the term behind it.
struct AtomObject {
  PyUnicodeObject text;
  ERL_NIF_TERM term;
};

inline TermObject* as_term_object(PyObject* object) noexcept {
  return reinterpret_cast<TermObject*>(object);
}
inline AtomObject* as_atom_object(PyObject* object) noexcept {
  return reinterpret_cast<AtomObject*>(object);
}

// Each null with a Python error set.
PyTypeObject* make_pid_type(const Attached&, PyObject* module) noexcept;
PyTypeObject* make_ref_type(const Attached&, PyObject* module) noexcept;
PyTypeObject* make_port_type(const Attached&, PyObject* module) noexcept;
PyTypeObject* make_fun_type(const Attached&, PyObject* module) noexcept;
PyTypeObject* make_atom_type(const Attached&, PyObject* module) noexcept;

/// A new instance of one of the first four, with a copy of `term`.
PyRef new_term_object(const Attached&, PyTypeObject*, ErlNifEnv*, ERL_NIF_TERM term) noexcept;
/// A new erlang.Atom with the text of `name`, a str.
PyRef new_atom_object(const Attached&, PyTypeObject*, PyObject* name, ERL_NIF_TERM atom) noexcept;

}  // namespace ep::convert
