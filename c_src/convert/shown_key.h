// Keys of maps and dicts as a Failure shows them: short, whatever the key is.
#pragma once

#include "convert/codec.h"
#include "convert/failure.h"

namespace ep::convert {

/// Throws std::bad_alloc.
ShownKey shown_key(ErlNifEnv*, ERL_NIF_TERM key);
/// Runs none of the key's code. Leaves no Python error set. Throws std::bad_alloc.
ShownKey shown_key(const Attached&, const Codec&, PyObject* key);

}  // namespace ep::convert
