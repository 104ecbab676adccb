// Whether terms are the same, and Erlang's order of them.
#pragma once

#include "terms/word.h"

namespace ep::terms {

bool identical_containers(Word a, Word b);

/// As =:= has it in OTP 27 and newer, in which 0.0 and -0.0 differ.
inline bool identical(Word a, Word b) {
  return a == b || (tag_of(a) == tag_of(b) && !is_immediate(a) && identical_containers(a, b));
}

/// Negative, 0 or positive, as < and == have it; pids, ports, references and funs of one sort are
/// ordered by what they look like in the external format.
int compare(Word a, Word b);

}  // namespace ep::terms
