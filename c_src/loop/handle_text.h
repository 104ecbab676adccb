// What a Handle tells people: its repr, where it was made, and the report when its callback fails.
// All in asyncio's own words, with asyncio's own functions. Attached threads.
#pragma once

#include "cpython/attach.h"
#include "cpython/ref.h"
#include "loop/handle.h"

namespace ep::loop {

/// "<Handle f() at file.py:3 created at other.py:7>". Null: Python error set.
PyRef handle_repr(const Attached& py, Handle* handle);

/// Debug mode: where the Python code that is running now was called from.
bool remember_source(const Attached& py, Handle* handle) noexcept;

/// Debug mode: for reports about a handle whose callback is gone. Failing is no one's business.
void remember_repr(const Attached& py, Handle* handle) noexcept;

/// Calls the loop's exception handler. False: that raised, Python error set.
bool report_failure(const Attached& py, Handle* handle, PyRef exception) noexcept;

/// The arguments as a tuple. Null: Python error set.
PyRef handle_args(Handle* handle) noexcept;

}  // namespace ep::loop
