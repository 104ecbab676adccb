// Copies of terms from one environment to another. The bytes of long binaries are shared.
#pragma once

#include "terms/env.h"
#include "terms/word.h"

namespace ep::terms {

/// Throws std::bad_alloc.
Word copy(ErlNifEnv& to, Word term);

/// A term that holds the resource.
Word make_resource(ErlNifEnv& env, Resource* resource);

}  // namespace ep::terms
