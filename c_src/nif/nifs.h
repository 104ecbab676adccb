// The bodies of the NIFs, by subject. src/py_nif.erl documents each where Erlang sees it.
#pragma once

#include "nif/boundary.h"

namespace ep::nif {

#define EP_NIF(name) ERL_NIF_TERM name(ErlNifEnv* env, State& state, const ERL_NIF_TERM argv[])

// runtime_nifs.cc
EP_NIF(start);
EP_NIF(stop);
EP_NIF(build_info);

// program_nifs.cc
EP_NIF(run_program);

// loop_nifs.cc
EP_NIF(context_new);
EP_NIF(event_loop_new);
EP_NIF(event_loop_set_default);
EP_NIF(event_loop_set_worker);
EP_NIF(event_loop_destroy);
EP_NIF(loop_arm);
EP_NIF(loop_wake);
EP_NIF(loop_close);
EP_NIF(loop_is_blocked);
EP_NIF(set_none);

// stand_in_nifs.cc
EP_NIF(stand_in_keeper);
EP_NIF(stand_in_add);
EP_NIF(stand_in_demand);
EP_NIF(stand_in_refuse);
EP_NIF(stand_in_retire);

// poll_nifs.cc
EP_NIF(add_reader);
EP_NIF(add_writer);
EP_NIF(remove_reader);
EP_NIF(remove_writer);
EP_NIF(poll_collect);
EP_NIF(poll_arm);
EP_NIF(poll_disarm);
EP_NIF(get_pending);

// udp_nifs.cc
EP_NIF(create_test_udp_socket);
EP_NIF(sendto_test_udp);
EP_NIF(recvfrom_test_udp);
EP_NIF(set_udp_broadcast);
EP_NIF(close_test_fd);

// submission_nifs.cc
EP_NIF(submit);
EP_NIF(cancel);
EP_NIF(submission_state);
EP_NIF(interrupt);

// signal_nifs.cc
EP_NIF(deliver_signal);

// callback_nifs.cc
EP_NIF(set_router);
EP_NIF(add_name);
EP_NIF(remove_name);
EP_NIF(callback_reply);

#undef EP_NIF

}  // namespace ep::nif
