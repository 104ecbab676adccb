// Python's error indicator as values, and text out of objects that may misbehave when asked for it.
#pragma once

#include <cstddef>
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
  explicit SavedError(const Attached& py) noexcept : error_(take_error(py)) {}
  /// In a destructor, of what was made attached on this thread.
  SavedError() noexcept;
  ~SavedError();
  SavedError(const SavedError&) = delete;
  SavedError& operator=(const SavedError&) = delete;

 private:
  PyRef error_;
};

/// As UTF-8, a str of whatever content: surrogates are escaped, and of more than `max_characters`
/// the middle is left out, with a remark. Leaves no error set. Throws std::bad_alloc.
std::string clipped_utf8(const Attached&, PyObject* str, std::size_t max_characters);

/// The same of str(object), or a remark if that raises.
std::string text_of(const Attached&, PyObject* object, std::size_t max_characters);

/// "TypeError: unhashable type: 'dict'". Leaves no error set. Throws std::bad_alloc.
std::string describe_exception(const Attached&, PyObject* exception, std::size_t max_characters);

}  // namespace ep
