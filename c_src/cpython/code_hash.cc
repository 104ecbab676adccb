#include "cpython/code_hash.h"

#include <algorithm>

#include "cpython/or_throw.h"

namespace ep {
namespace {

/// FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/
class Hash {
 public:
  std::uint64_t value() const noexcept { return value_; }

  void add(const char* data, Py_ssize_t size) noexcept {
    for (Py_ssize_t i = 0; i < size; ++i) {
      value_ = (value_ ^ static_cast<unsigned char>(data[i])) * 0x100000001b3U;
    }
  }
  void add(std::uint64_t number) noexcept {
    add(reinterpret_cast<const char*>(&number), sizeof number);
  }

  void add_code(PyObject* code);

 private:
  void add_constant(PyObject* constant);
  void add_constants(PyObject* tuple);
  void add_text(PyObject* str);

  std::uint64_t value_ = 0xcbf29ce484222325U;
};

void Hash::add_text(PyObject* str) {
  Py_ssize_t size = 0;
  const char* const utf8 = PyUnicode_AsUTF8AndSize(str, &size);
  if (utf8 == nullptr) throw PythonError();
  add(static_cast<std::uint64_t>(size));
  add(utf8, size);
}

void Hash::add_constants(PyObject* tuple) {
  const Py_ssize_t size = PyTuple_GET_SIZE(tuple);
  add(static_cast<std::uint64_t>(size));
  for (Py_ssize_t i = 0; i < size; ++i) add_constant(PyTuple_GET_ITEM(tuple, i));
}

void Hash::add_constant(PyObject* constant) {
  if (PyCode_Check(constant)) return add_code(constant);
  if (PyTuple_CheckExact(constant)) return add_constants(constant);
  if (PyFrozenSet_CheckExact(constant)) {  // has no order of its own
    std::uint64_t sum = 0;
    const PyRef items = or_throw(PySequence_Tuple(constant));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items.get()); ++i) {
      Hash item;
      item.add_constant(PyTuple_GET_ITEM(items.get(), i));
      sum += item.value();
    }
    return add(sum);
  }
  add_text(or_throw(PyObject_Repr(constant)).get());
}

void Hash::add_code(PyObject* code) {
  const PyRef bytecode = attribute(code, "co_code");
  add(PyBytes_AS_STRING(bytecode.get()), PyBytes_GET_SIZE(bytecode.get()));
  for (const char* name : {"co_flags", "co_argcount", "co_consts", "co_names", "co_varnames",
                           "co_freevars", "co_cellvars"}) {
    add_constant(attribute(code, name).get());
  }
}

}  // namespace

std::uint64_t code_hash(const Attached&, PyObject* function) {
  if (!PyFunction_Check(function)) return 0;
  Hash hash;
  hash.add_code(PyFunction_GET_CODE(function));
  return hash.value();
}

bool has_known_code(const Attached& py, PyObject* function,
                    std::span<const std::uint64_t> known) noexcept {
  try {
    const std::uint64_t hash = code_hash(py, function);
    return hash != 0 && std::ranges::find(known, hash) != known.end();
  } catch (const PythonError&) {
    PyErr_Clear();
    return false;
  }
}

}  // namespace ep
