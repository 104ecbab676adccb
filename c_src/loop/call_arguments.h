// CallArguments: the arguments of `f(first, second, *rest, context=None)` as METH_FASTCALL passes
// them, the shape that asyncio's scheduling methods share.
#pragma once

#include <span>

#include "cpython/attach.h"
#include "loop/loop_types.h"

namespace ep::loop {

struct CallArguments {
  PyObject* leading[2] = {nullptr, nullptr};  // borrowed, as all
  PyObject* const* rest = nullptr;
  Py_ssize_t rest_count = 0;
  PyObject* context = nullptr;

  /// `names` (one or two) are the leading parameters; callers may give them as keywords. False:
  /// TypeError set.
  bool parse(const LoopTypes& types, const char* method, std::span<const char* const> names,
             PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames,
             bool takes_context = true) noexcept;

 private:
  bool parse_keyword(const LoopTypes& types, const char* method, std::span<const char* const> names,
                     PyObject* name, PyObject* value, bool takes_context) noexcept;
};

}  // namespace ep::loop
