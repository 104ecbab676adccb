// Python's error indicator as values.
#pragma once

#include <string>

#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep {

/// Takes the error that is set, as an exception with its traceback; null if none is set.
PyRef take_error(const Attached&) noexcept;

/// Sets `exception` as the error.
void restore_error(const Attached&, PyRef exception) noexcept;

/// Puts the error that is set, if any, aside until the scope ends; one set meanwhile is lost.
class SavedError {
 public:
  explicit SavedError(const Attached& py) noexcept : py_(py), error_(take_error(py)) {}
  ~SavedError() {
    PyErr_Clear();
    if (error_) restore_error(py_, std::move(error_));
  }
  SavedError(const SavedError&) = delete;
  SavedError& operator=(const SavedError&) = delete;

 private:
  const Attached& py_;
  PyRef error_;
};

/// str(object) as UTF-8 whatever happens: what can't be encoded is escaped, a __str__ that raises
/// gives a remark. Leaves no error set. Throws std::bad_alloc.
std::string text_of(const Attached&, PyObject* object);

/// "TypeError: unhashable type", for people. Leaves no error set. Throws std::bad_alloc.
std::string describe_exception(const Attached&, PyObject* exception);

}  // namespace ep
