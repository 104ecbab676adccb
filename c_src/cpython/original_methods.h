// OriginalMethods: methods of a class of the standard library that C++ code of ours stands in for.
//
// A program may patch them at any time: on the class, on a class derived from it, or on one object.
// Who stands in for them therefore asks each time whether an object has still those that the
// standard library gives it, and that their code is the code that ours was written after; else the
// Python way is to be gone. As long as no class changes, that takes nanoseconds.
//
// Attached threads. Holds references, which its owner shows to the garbage collector.
#pragma once

#include <span>
#include <vector>

#include "cpython/attach.h"
#include "cpython/known_code.h"
#include "cpython/name.h"
#include "cpython/ref.h"

namespace ep {

class OriginalMethods {
 public:
  /// How an object is asked whether it hides methods of its class.
  enum class Ask {
    /// By looking up each method, as a program would.
    kMethods,
    /// By its `__dict__`: a fraction of the time for each. But up to Python 3.12 that takes the
    /// attributes out of the object, and Python code that uses it gets slower: for objects that
    /// C++ code keeps such code away from.
    kDict,
  };

  /// Methods of `type`, as they are now. Some of them `ours` may have too, a base of derived
  /// classes that comes before `type`: they are what stands in. Throws PythonError.
  OriginalMethods(const Attached& py, PyObject* type, std::span<const KnownFunction> functions,
                  Ask ask, PyObject* ours = nullptr);

  /// Does an object of the type, or of a derived one, have all of them? Leaves no error set.
  bool are_those_of(const Attached& py, PyObject* object) const noexcept;
  /// Does its class? For methods that are called only when the object does not hide them.
  bool are_those_of_class(const Attached& py, PyTypeObject* type) const noexcept;

  int traverse(visitproc visit, void* arg) const;

 private:
  struct Method {
    Name name;
    PyRef original;
    PyRef ours;  // null: has none
  };

  bool class_has(PyObject* type, const Method& method) const noexcept;
  bool has_methods(PyObject* object) const noexcept;
  bool hidden_by_dict(PyObject* object) const noexcept;

  const Ask ask_;
  const bool by_version_;         // type versions are as we know them: see internals.h
  PyRef ours_;                    // the type
  std::vector<Method> methods_;   // empty: their code is not known
  mutable unsigned version_ = 0;  // of a type that has been found to have them
};

}  // namespace ep
