// Hashes of terms: equal for identical ones, salted anew in each process.
#pragma once

#include <cstdint>

#include "terms/word.h"

namespace ep::terms {

std::uint64_t hash(Word term);

}  // namespace ep::terms
