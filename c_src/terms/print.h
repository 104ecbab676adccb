// Terms as text, as ~p has them in one line; what comes after `longest` bytes is left out.
#pragma once

#include <string>

#include "terms/word.h"

namespace ep::terms {

/// Throws std::bad_alloc.
std::string show(Word term, std::size_t longest);

}  // namespace ep::terms
