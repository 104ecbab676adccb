// Errors of the operating system as Erlang spells them.
#pragma once

#include <erl_nif.h>

namespace ep {

/// {error, eacces} and the like, as file:posix() and inet:posix() have them. The atoms are those of
/// a fixed list; an error that is not in it gives {error, {errno, Number}}.
ERL_NIF_TERM error_tuple(ErlNifEnv* env, int error_number);

}  // namespace ep
