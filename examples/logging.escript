#!/usr/bin/env escript
%% Python's log records in Erlang's logger, with their metadata.
%%
%%   ERL_LIBS=_build/default/lib escript examples/logging.escript

main([]) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    %% Here they come to this process, which prints them; as a rule they go to the node's handlers.
    Parent = self(),
    Take = fun
        (#{meta := #{python := _}} = Event, _) -> Parent ! {logged, Event}, stop;
        (_, _) -> ignore
    end,
    ok = logger:add_primary_filter(take, {Take, none}),

    {ok, _} = py:call(erlang, setup_logging, [<<"WARNING">>]),
    ok = py:exec(<<
        "import logging\n"
        "log = logging.getLogger('app.orders')\n"
        "log.info('not shown: below the level')\n"
        "log.warning('order %d is late', 17, extra={'customer': 'Joe'})\n"
    >>),
    receive
        {logged, #{level := warning, meta := #{python := Python}} = Event} ->
            #{<<"logger">> := <<"app.orders">>, <<"customer">> := <<"Joe">>} = Python,
            io:put_chars(logger_formatter:format(Event, #{template => [level, " ", msg, "\n"]})),
            io:format("~tp~n", [maps:without([<<"thread">>, <<"file">>], Python)])
    after 5000 ->
        error(nothing_logged)
    end.
