%% @doc A logger handler that keeps what is logged, for cases to look at.
-module(ep_log).

-export([start/0, stop/0, wait_for/1, events/0]).
-export([log/2]).

-spec start() -> ok.
start() ->
    ?MODULE = ets:new(?MODULE, [named_table, public, ordered_set]),
    ok = logger:add_handler(?MODULE, ?MODULE, #{level => all}).

-spec stop() -> ok.
stop() ->
    ok = logger:remove_handler(?MODULE),
    true = ets:delete(?MODULE),
    ok.

%% @doc A handler's callback.
-spec log(logger:log_event(), term()) -> ok.
log(Event, _Config) ->
    catch ets:insert(?MODULE, {erlang:unique_integer([monotonic]), Event}),
    ok.

-spec events() -> [logger:log_event()].
events() ->
    [Event || {_, Event} <- ets:tab2list(?MODULE)].

%% @doc The first event whose text has this in it, when it has come.
-spec wait_for(string()) -> logger:log_event().
wait_for(Text) ->
    Found = fun() -> [Event || Event <- events(), string:find(text(Event), Text) =/= nomatch] end,
    ep_test:wait_until(fun() -> Found() =/= [] end),
    hd(Found()).

text(#{msg := {string, Text}}) -> unicode:characters_to_list(Text);
text(#{msg := {report, Report}}) -> lists:flatten(io_lib:format("~tp", [Report]));
text(#{msg := {Format, Args}}) -> lists:flatten(io_lib:format(Format, Args)).
