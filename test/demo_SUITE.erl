%% @doc What `make demo' runs, with small numbers.
-module(demo_SUITE).

-include_lib("common_test/include/ct.hrl").
-include_lib("stdlib/include/assert.hrl").

-export([suite/0, all/0]).
-export([every_reply_is_right/1, wrong_replies_are_noticed/1]).

suite() ->
    [{timetrap, {minutes, 5}}].

all() ->
    [every_reply_is_right, wrong_replies_are_noticed].

every_reply_is_right(_Config) ->
    {0, Stdout, <<>>} = demo([]),
    [
        ?assertMatch({_, _}, binary:match(Stdout, Text))
     || Text <- [
            <<"on ErlangEventLoop">>, <<"500 requests">>, <<"600 coroutines">>, <<"HTTP requests">>,
            <<"p50 ">>, <<"p99 ">>, <<"CPU used in ">>, <<"Every reply was right.\n">>
        ]
    ].

%% sitecustomize.py spoils one of the server's replies.
wrong_replies_are_noticed(Config) ->
    {1, Stdout, <<>>} = demo([{"PYTHONPATH", ?config(data_dir, Config)}]),
    ?assertMatch({_, _}, binary:match(Stdout, <<"Wrong: {33,">>)).

demo(Env) ->
    App = {"ERLPY_APP", code:lib_dir(erlang_python)},
    program:run(project:file("scripts/demo"), ["500", "600", "10"], #{env => [App | Env]}).
