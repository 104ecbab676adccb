// The module `_erlang`: what C++ gives to the Python package `erlang`.
#pragma once

#include "callback/bridge.h"
#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep {

/// Makes the module for the calling interpreter and enters it into sys.modules, where imports find
/// it. The bridge outlives the interpreter. Null with a Python error set.
PyRef make_module(const Attached&, callback::Bridge& bridge);

}  // namespace ep
