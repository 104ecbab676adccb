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
    a_poll_ends_with_its_caller/1,
    a_poll_ends_with_the_application/1,
    many_polls_leave_the_schedulers_alone/1,
    several_processes_poll_one_loop/1,
    a_poll_leaves_no_message/1,
    a_watched_descriptor_is_closed_and_opened_again/1,
    a_closed_descriptor_lives_on_in_a_duplicate/1,
    a_destroyed_loop_says_so/1,
    descriptors_are_exhausted/1,
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
        a_poll_ends_with_its_caller,
        a_poll_ends_with_the_application,
        many_polls_leave_the_schedulers_alone,
        several_processes_poll_one_loop,
        a_poll_leaves_no_message,
        a_watched_descriptor_is_closed_and_opened_again,
        a_closed_descriptor_lives_on_in_a_duplicate,
        a_destroyed_loop_says_so,
        descriptors_are_exhausted,
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
    ?assertEqual(1, py_nif:poll_events(Loop, 0)),
    ?assertEqual(1, py_nif:poll_events(Loop, infinity)),
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

%% What waited was the VM's business, and is gone.
a_poll_ends_with_its_caller(_Config) ->
    {ok, Loop} = py_nif:event_loop_new(),
    ?assertEqual(0, py_nif:poll_events(Loop, 1)),
    Before = length(ep_test:descriptors()),
    Polls = [polling(Loop) || _ <- lists:seq(1, 20)],
    ep_test:wait_until(fun() -> length(ep_test:descriptors()) =:= Before + 20 end),
    [exit(Pid, kill) || {Pid, _} <- Polls],
    [killed = ep_test:down(Poll) || Poll <- Polls],
    ep_test:wait_until(fun() -> length(ep_test:descriptors()) =:= Before end),
    ok = py_nif:event_loop_destroy(Loop).

a_poll_ends_with_the_application(_Config) ->
    {ok, Loop} = py_nif:event_loop_new(),
    Polls = [polling(Loop) || _ <- lists:seq(1, 3)],
    ok = application:stop(erlang_python),
    [{polled, 0} = ep_test:down(Poll) || Poll <- Polls],
    ?assertEqual(0, py_nif:poll_events(Loop, infinity)),
    {ok, _} = application:ensure_all_started(erlang_python),
    ?assertEqual({error, {executor_died, stopped}}, py_nif:add_reader(Loop, 0, 1)).

polling(Loop) ->
    ep_test:monitored(fun(_) -> exit({polled, py_nif:poll_events(Loop, infinity)}) end).

many_polls_leave_the_schedulers_alone(_Config) ->
    {ok, Loop} = py_nif:event_loop_new(),
    Number = 2 * erlang:system_info(dirty_io_schedulers),
    Polls = [polling(Loop) || _ <- lists:seq(1, Number)],
    ep_test:wait_until(fun() ->
        lists:all(fun({Pid, _}) -> {status, waiting} =:= process_info(Pid, status) end, Polls)
    end),
    {ok, _} = file:read_file("/proc/self/status"),
    ok = py_nif:event_loop_destroy(Loop),
    [{polled, 0} = ep_test:down(Poll) || Poll <- Polls].

several_processes_poll_one_loop(_Config) ->
    {ok, Loop} = py_nif:event_loop_new(),
    {ok, {Fd, Port}} = py_nif:create_test_udp_socket(0),
    {ok, _} = py_nif:add_reader(Loop, Fd, 5),
    Polls = [polling(Loop) || _ <- lists:seq(1, 5)],
    ok = py_nif:sendto_test_udp(Fd, <<"x">>, <<"127.0.0.1">>, Port),
    [{polled, 1} = ep_test:down(Poll) || Poll <- Polls],
    ?assertEqual([{5, read}], py_nif:get_pending(Loop)),
    ok = py_nif:close_test_fd(Fd),
    ok = py_nif:event_loop_destroy(Loop).

%% Whether the time or the event is first.
a_poll_leaves_no_message(_Config) ->
    {ok, Loop} = py_nif:event_loop_new(),
    {ok, {Fd, Port}} = py_nif:create_test_udp_socket(0),
    {ok, _} = py_nif:add_reader(Loop, Fd, 5),
    [begin
        Sender = spawn_link(fun() ->
            receive go -> py_nif:sendto_test_udp(Fd, <<"x">>, <<"127.0.0.1">>, Port) end
        end),
        erlang:send_after(1, Sender, go),
        ?assert(lists:member(py_nif:poll_events(Loop, 1), [0, 1])),
        1 = py_nif:poll_events(Loop, infinity),
        [{5, read}] = py_nif:get_pending(Loop),
        {ok, _} = py_nif:recvfrom_test_udp(Fd, 1)
     end || _ <- lists:seq(1, 200)],
    ?assertEqual([], ep_test:flush()),
    ok = py_nif:close_test_fd(Fd),
    ok = py_nif:event_loop_destroy(Loop).

%% The old watch has ended with its descriptor; its handle can be given back.
a_watched_descriptor_is_closed_and_opened_again(_Config) ->
    {ok, Loop} = py_nif:event_loop_new(),
    {ok, {Fd, _}} = py_nif:create_test_udp_socket(0),
    {ok, OldReader} = py_nif:add_reader(Loop, Fd, 1),
    {ok, OldWriter} = py_nif:add_writer(Loop, Fd, 2),
    ok = py_nif:close_test_fd(Fd),
    ?assertEqual({error, ebadf}, py_nif:add_reader(Loop, Fd, 1)),
    {ok, {Fd, Port}} = py_nif:create_test_udp_socket(0),
    {ok, Reader} = py_nif:add_reader(Loop, Fd, 3),
    ok = py_nif:remove_reader(Loop, OldReader),
    ok = py_nif:remove_writer(Loop, OldWriter),
    ?assertError(badarg, py_nif:remove_writer(Loop, OldWriter)),
    ok = py_nif:sendto_test_udp(Fd, <<"x">>, <<"127.0.0.1">>, Port),
    1 = py_nif:poll_events(Loop, infinity),
    ?assertEqual([{3, read}], py_nif:get_pending(Loop)),
    ok = py_nif:remove_reader(Loop, Reader),
    ok = py_nif:close_test_fd(Fd),
    ok = py_nif:event_loop_destroy(Loop).

%% epoll goes on reporting the file, which nobody can take out of it.
a_closed_descriptor_lives_on_in_a_duplicate(_Config) ->
    {ok, Loop} = py_nif:event_loop_new(),
    {ok, {Fd, Port}} = py_nif:create_test_udp_socket(0),
    {ok, _} = py_nif:add_reader(Loop, Fd, 1),
    {ok, Duplicate} = py:call(os, dup, [Fd]),
    ok = py_nif:sendto_test_udp(Fd, <<"x">>, <<"127.0.0.1">>, Port),
    ok = py_nif:close_test_fd(Fd),
    {ok, {Fd, NewPort}} = py_nif:create_test_udp_socket(0),
    {ok, _} = py_nif:add_reader(Loop, Fd, 2),
    ?assertEqual(0, py_nif:poll_events(Loop, 0)),
    {reductions, Before} = process_info(self(), reductions),
    ?assertEqual(0, py_nif:poll_events(Loop, 100)),
    {reductions, After} = process_info(self(), reductions),
    ?assert(After - Before < 10000),
    ok = py_nif:sendto_test_udp(Fd, <<"x">>, <<"127.0.0.1">>, NewPort),
    1 = py_nif:poll_events(Loop, infinity),
    ?assertEqual([{2, read}], py_nif:get_pending(Loop)),
    {ok, none} = py:call(os, close, [Duplicate]),
    ok = py_nif:close_test_fd(Fd),
    ok = py_nif:event_loop_destroy(Loop).

a_destroyed_loop_says_so(_Config) ->
    {ok, Loop} = py_nif:event_loop_new(),
    {ok, {Fd, _}} = py_nif:create_test_udp_socket(0),
    {ok, Watch} = py_nif:add_writer(Loop, Fd, 1),
    ok = py_nif:event_loop_destroy(Loop),
    Ended = {error, {executor_died, stopped}},
    ?assertEqual(Ended, py_nif:add_reader(Loop, Fd, 2)),
    ?assertEqual(Ended, py_nif:add_writer(Loop, Fd, 2)),
    ?assertEqual(Ended, py_nif:event_loop_set_worker(Loop, self())),
    Starter = failed_start(fun() -> Ended = py_event_worker:start_link(<<"late">>, Loop) end),
    normal = ep_test:down(Starter),
    ok = py_nif:remove_writer(Loop, Watch),
    ok = py_nif:event_loop_destroy(Loop),
    ok = py_nif:close_test_fd(Fd).

%% In a process of its own: up to OTP 25, start_link/3 leaves an exit signal to its caller.
failed_start(Start) ->
    ep_test:monitored(fun(_) -> process_flag(trap_exit, true), Start() end).

%% Every function that makes one, in a process that has no more.
descriptors_are_exhausted(_Config) ->
    {ok, Loop} = py_nif:event_loop_new(),
    {ok, Armed} = py_nif:event_loop_new(),
    0 = py_nif:poll_events(Armed, 0),
    {Limit, Taken} = ep_test:exhaust_descriptors(fun() -> ok end),
    Emfile = {error, emfile},
    ?assertEqual(Emfile, py_nif:create_test_udp_socket(0)),
    ?assertEqual(Emfile, py_nif:add_reader(Loop, 0, 1)),
    ?assertEqual(Emfile, py_nif:add_writer(Loop, 0, 1)),
    ?assertEqual(Emfile, py_nif:poll_events(Loop, 10)),
    ?assertEqual(Emfile, py_nif:poll_events(Armed, 10)),
    ?assertEqual(Emfile, py_nif:context_new(<<"none">>)),
    normal = ep_test:down(failed_start(fun() -> Emfile = py_context:start_link() end)),
    [ok = file:close(File) || File <- Taken],
    ok = ep_test:limit_descriptors(Limit),
    ok = py_nif:event_loop_destroy(Loop),
    ok = py_nif:event_loop_destroy(Armed).

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
