// The bodies of the NIFs, by subject. src/py_nif.erl documents each where Erlang sees it.
#pragma once

#include "nif/boundary.h"

namespace ep::nif {

#define EP_NIF(name) ERL_NIF_TERM name(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[])

// runtime_nifs.cc
EP_NIF(start);
EP_NIF(stop);
EP_NIF(build_info);

// loop_nifs.cc
EP_NIF(context_new);
EP_NIF(event_loop_new);
EP_NIF(event_loop_set_worker);
EP_NIF(event_loop_destroy);
EP_NIF(loop_arm);
EP_NIF(loop_wake);
EP_NIF(loop_close);

// submission_nifs.cc
EP_NIF(submit);
EP_NIF(cancel);
EP_NIF(submission_state);
EP_NIF(interrupt);

// callback_nifs.cc
EP_NIF(set_router);
EP_NIF(add_name);
EP_NIF(remove_name);
EP_NIF(callback_reply);

#undef EP_NIF

}  // namespace ep::nif
