// Codec: conversions between Erlang terms and one interpreter's Python objects, as the table in
// docs/conversions.md has them: exact, or a Failure that names the offending element.
//
// One for each interpreter, owned by its `_erlang` module; used attached to that interpreter. Any
// environment may be given that the calling thread may use. Nothing is kept of it: objects that
// stand for terms own copies.
#pragma once

#include <cstdint>
#include <memory>

#include "base/stack.h"
#include "beam/env_pool.h"
#include "convert/atom_table.h"
#include "convert/beam_context.h"
#include "convert/failure.h"
#include "convert/numpy_types.h"
#include "cpython/attach.h"
#include "cpython/drop_queue.h"
#include "cpython/interpreter.h"
#include "cpython/ref.h"

namespace ep::convert {

/// Nesting beyond this is a failure, so a cycle is too, and the stack stays small.
inline constexpr int kMaxDepth = 1000;
/// So much fits on any stack that Python runs on.
inline constexpr int kAnyStackDepth = 32;
inline bool is_too_deep(int depth) noexcept {
  return depth > kMaxDepth || (depth > kAnyStackDepth && stack_is_short());
}

/// What an Erlang binary becomes, save for {bytes, Bin}, which is bytes always.
enum class BinaryAs : std::uint8_t { kAuto /* str if it is UTF-8, else bytes */, kStr, kBytes };

struct Options {
  BinaryAs binary = BinaryAs::kAuto;
  ERL_NIF_TERM none = 0;  // the atom that None becomes; 0: `none`
};

class Codec final : public InterpreterPart {
 public:
  /// Makes the heap types of `module`, which must outlive the codec. Throws PythonError or
  /// std::bad_alloc.
  Codec(const Attached&, PyObject* module, const BeamContext&, std::shared_ptr<DropQueue> drops);
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;
  ~Codec() override;  // attached

  int traverse(visitproc visit, void* arg) const override;
  /// Makes its types attributes of the module. Throws PythonError.
  void publish(const Attached&, PyObject* module) const;

  /// Null with `failure` filled if there is no such object. Leaves no Python error set.
  PyRef to_object(const Attached&, ErlNifEnv*, ERL_NIF_TERM, const Options&, Failure&) noexcept;

  /// Makes the term in `dst`. False with `failure` filled. Leaves no Python error set.
  bool to_term(const Attached&, ErlNifEnv* dst, PyObject*, const Options&, ERL_NIF_TERM* out,
               Failure&) noexcept;

  /// A new opaque reference to `object`, even if it has a row of its own. Throws std::bad_alloc.
  ERL_NIF_TERM to_opaque(const Attached&, ErlNifEnv* dst, PyObject* object);

  /// {exception, #{type, module, message, traceback}}, whatever the exception does when asked;
  /// `cancelled` for asyncio.CancelledError. Leaves no Python error set.
  ERL_NIF_TERM exception_reason(const Attached&, ErlNifEnv* dst, PyObject* exception) noexcept;

  /// The str of a name given as an atom or a UTF-8 binary; null, with no Python error set, if it
  /// is neither.
  PyRef name(const Attached&, ErlNifEnv*, ERL_NIF_TERM atom_or_binary) noexcept;

  /// The erlang.Atom of this name. Null with TypeError set if it is no str, with ValueError if
  /// there is no such atom.
  PyRef find_atom(const Attached&, PyObject* name) noexcept;

  /// erlang.Pid. Null with a Python error set.
  PyRef make_pid(const Attached&, const ErlNifPid&) noexcept;
  /// True if `object` is the erlang.Pid of a process of this node.
  bool get_pid(PyObject* object, ErlNifPid* pid) const noexcept;
  /// True if `object` is an erlang.Atom, Pid, Ref, Port or Fun. The term lives as long as it does.
  bool get_term(PyObject* object, ERL_NIF_TERM* term) const noexcept;

  bool is_atom(PyObject* object) const noexcept { return Py_TYPE(object) == atom_type_; }
  bool is_pid(PyObject* object) const noexcept { return Py_TYPE(object) == term_types_[kPid]; }
  bool is_ref(PyObject* object) const noexcept { return Py_TYPE(object) == term_types_[kRef]; }
  bool is_fun(PyObject* object) const noexcept { return Py_TYPE(object) == term_types_[kFun]; }

  const Atoms& atoms() const noexcept { return beam_.atoms; }
  /// Where references to this interpreter's objects go that die on other threads.
  const std::shared_ptr<DropQueue>& drops() const noexcept { return drops_; }

  /// An exception type of priv/python/erlang/_errors.py. Null with a Python error set.
  PyRef error_type(const Attached&, const char* name) noexcept;

 private:
  friend class ToObject;
  friend class ToTerm;
  enum TermTypeIndex { kPid, kRef, kPort, kFun, kTermTypes };

  /// A Pid, Ref, Port or Fun for `term`. Throws PythonError.
  PyRef wrap(const Attached&, TermTypeIndex, ErlNifEnv*, ERL_NIF_TERM);
  bool is_wrapped_term(PyTypeObject* type) const noexcept;
  /// What is known of an atom, which may have been unknown until now. Throws PythonError or
  /// std::bad_alloc.
  AtomTable::Entry& seen(const Attached&, ErlNifEnv*, ERL_NIF_TERM atom);
  void learn_constants(const Attached&, ErlNifEnv*);
  /// The one erlang.Atom for `atom`. Throws PythonError.
  PyRef atom_object(const Attached&, PyObject* name, ERL_NIF_TERM atom);

  PyObject* module_;  // borrowed: it owns this codec
  const BeamContext& beam_;
  std::shared_ptr<DropQueue> drops_;
  PyTypeObject* term_types_[kTermTypes] = {};  // owned
  PyTypeObject* atom_type_ = nullptr;          // owned
  AtomTable atom_table_;
  EnvPool scratch_;
  NumpyTypes numpy_;
  PyRef atoms_by_name_;  // dict: str to erlang.Atom
};

/// The codec of the interpreter that the thread is attached to.
inline Codec& codec_of(const Attached& py) noexcept { return *py.interpreter().codec; }

/// Adds Atom, Pid, Ref, Port, Fun and atom() to `module`, and the codec to the interpreter. False
/// with a Python error set.
[[nodiscard]] bool add_to_module(const Attached&, PyObject* module, const BeamContext&) noexcept;

}  // namespace ep::convert
