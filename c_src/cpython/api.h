// The only include of Python.h, and what kind of build it is.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#if PY_VERSION_HEX < 0x030B0000
#error "erlang_python needs Python 3.11 or newer"
#endif

namespace ep {

/// Being attached excludes no other thread.
#ifdef Py_GIL_DISABLED
inline constexpr bool kFreeThreaded = true;
#else
inline constexpr bool kFreeThreaded = false;
#endif

}  // namespace ep
