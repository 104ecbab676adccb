%% The low-level functions of the guide: a loop's descriptors polled from Erlang, and test sockets.
-module(py_nif_SUITE).

-include_lib("stdlib/include/assert.hrl").

-export([all/0, init_per_suite/1, end_per_suite/1]).
-export([
    datagrams_between_test_sockets/1,
    a_readable_descriptor_is_reported_once/1,
    a_writable_descriptor_is_reported/1,
    nothing_is_reported_after_removal/1,
    destroying_a_loop_ends_a_poll/1,
    bad_descriptors_are_errors/1,
    only_test_sockets_can_be_closed/1,
    a_worker_can_be_started_for_a_new_loop/1
]).

all() ->
    [
        datagrams_between_test_sockets,
        a_readable_descriptor_is_reported_once,
        a_writable_descriptor_is_reported,
        nothing_is_reported_after_removal,
        destroying_a_loop_ends_a_poll,
        bad_descriptors_are_errors,
        only_test_sockets_can_be_closed,
        a_worker_can_be_started_for_a_new_loop
    ].

init_per_suite(Config) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    Config.

end_per_suite(_Config) ->
    ok = application:stop(erlang_python).

datagrams_between_test_sockets(_Config) ->
    {ok, {A, PortA}} = py_nif:create_test_udp_socket(0),
    {ok, {B, PortB}} = py_nif:create_test_udp_socket(0),
    ?assertEqual({error, eagain}, py_nif:recvfrom_test_udp(B, 100)),
    ok = py_nif:sendto_test_udp(A, <<"hello">>, <<"127.0.0.1">>, PortB),
    ?assertEqual({ok, {<<"hello">>, {<<"127.0.0.1">>, PortA}}}, py_nif:recvfrom_test_udp(B, 100)),
    ok = py_nif:set_udp_broadcast(A, true),
    ok = py_nif:close_test_fd(A),
    ok = py_nif:close_test_fd(B).

a_readable_descriptor_is_reported_once(_Config) ->
    {ok, Loop} = py_nif:event_loop_new(),
    {ok, {Fd, Port}} = py_nif:create_test_udp_socket(0),
    {ok, Watch} = py_nif:add_reader(Loop, Fd, 17),
    ?assertEqual(0, py_nif:poll_events(Loop, 0)),
    ok = py_nif:sendto_test_udp(Fd, <<"x">>, <<"127.0.0.1">>, Port),
    ?assertEqual(1, py_nif:poll_events(Loop, 5000)),
    ?assertEqual(0, py_nif:poll_events(Loop, 0)),
    ?assertEqual([{17, read}], py_nif:get_pending(Loop)),
    ?assertEqual([], py_nif:get_pending(Loop)),
    ?assertEqual(1, py_nif:poll_events(Loop, 0)),
    ok = py_nif:remove_reader(Loop, Watch),
    ok = py_nif:close_test_fd(Fd),
    ok = py_nif:event_loop_destroy(Loop).

a_writable_descriptor_is_reported(_Config) ->
    {ok, Loop} = py_nif:event_loop_new(),
    {ok, {Fd, _}} = py_nif:create_test_udp_socket(0),
    {ok, _} = py_nif:add_reader(Loop, Fd, 1),
    {ok, _} = py_nif:add_writer(Loop, Fd, 2),
    ?assertEqual(1, py_nif:poll_events(Loop, infinity)),
    ?assertEqual([{2, write}], py_nif:get_pending(Loop)),
    ok = py_nif:close_test_fd(Fd),
    ok = py_nif:event_loop_destroy(Loop).

nothing_is_reported_after_removal(_Config) ->
    {ok, Loop} = py_nif:event_loop_new(),
    {ok, {Fd, _}} = py_nif:create_test_udp_socket(0),
    {ok, Watch} = py_nif:add_writer(Loop, Fd, 2),
    ?assertEqual(1, py_nif:poll_events(Loop, infinity)),
    ok = py_nif:remove_writer(Loop, Watch),
    ?assertEqual([], py_nif:get_pending(Loop)),
    ?assertEqual(0, py_nif:poll_events(Loop, 0)),
    ?assertError(badarg, py_nif:remove_writer(Loop, Watch)),
    ok = py_nif:close_test_fd(Fd),
    ok = py_nif:event_loop_destroy(Loop).

destroying_a_loop_ends_a_poll(_Config) ->
    {ok, Loop} = py_nif:event_loop_new(),
    Self = self(),
    spawn_link(fun() -> Self ! {polled, py_nif:poll_events(Loop, infinity)} end),
    ok = py_nif:event_loop_destroy(Loop),
    receive
        {polled, Count} -> ?assertEqual(0, Count)
    after 5000 -> error(still_polling)
    end.

bad_descriptors_are_errors(_Config) ->
    {ok, Loop} = py_nif:event_loop_new(),
    ?assertEqual({error, ebadf}, py_nif:add_reader(Loop, 999999, 1)),
    ?assertError(badarg, py_nif:add_reader(Loop, -1, 1)),
    ?assertError(badarg, py_nif:add_reader(make_ref(), 0, 1)),
    {ok, {Fd, _}} = py_nif:create_test_udp_socket(0),
    {ok, _} = py_nif:add_reader(Loop, Fd, 1),
    ?assertEqual({error, eexist}, py_nif:add_reader(Loop, Fd, 2)),
    ok = py_nif:close_test_fd(Fd),
    ok = py_nif:event_loop_destroy(Loop).

only_test_sockets_can_be_closed(_Config) ->
    ?assertError(badarg, py_nif:close_test_fd(0)),
    ?assertError(badarg, py_nif:sendto_test_udp(1, <<"x">>, <<"127.0.0.1">>, 1)).

a_worker_can_be_started_for_a_new_loop(_Config) ->
    {ok, Loop} = py_nif:event_loop_new(),
    {ok, Worker} = py_event_worker:start_link(<<"worker">>, Loop),
    ok = py_nif:event_loop_set_worker(Loop, Worker),
    Ref = py_nif:submit(
        Loop, task, self(), self, {call, asyncio, sleep, [0.01, <<"done">>], #{}}, #{}, infinity, 0
    ),
    ?assertEqual({ok, <<"done">>}, py_event_loop:await(Ref)),
    unlink(Worker),
    gen_server:stop(Worker).
