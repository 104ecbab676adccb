%% @doc The application's environment: what is wrong in it keeps the application from starting, and
%% is said in one line.
-module(py_config_SUITE).

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {minutes, 2}}].

all() ->
    [
        bad_values_are_named, unknown_settings_are_named, every_setting_is_checked,
        good_values_start, settings_are_documented
    ].

init_per_suite(Config) ->
    ok = ep_test:start(),
    ok = ep_test:stop(),
    Config.

end_per_suite(_Config) -> ok.
init_per_testcase(_Case, Config) -> Config.

end_per_testcase(_Case, _Config) ->
    _ = application:stop(erlang_python),
    [application:unset_env(erlang_python, Key)
     || {Key, _} <- application:get_all_env(erlang_python)],
    ok.

bad_values_are_named(_) ->
    [begin
        Line = failure([{Key, Value}]),
        contains(Line, atom_to_list(Key)),
        contains(Line, Expected),
        contains(Line, lists:flatten(io_lib:format("~0tp", [Value])))
     end || {Key, Value, Expected} <- [
        {num_contexts, 0, "from 1 to"}, {num_contexts, -1, "from 1 to"},
        {num_contexts, many, "one a scheduler"}, {num_contexts, 1 bsl 64, "from 1 to"},
        {event_loop_pool_size, foo, "from 1 to"}, {event_loop_pool_size, 1.5, "whole number"},
        {event_loop_spin, -1, "microseconds"}, {event_loop_spin, infinity, "microseconds"},
        {max_pending, 0, "replies"}, {max_pending, unlimited, "replies"},
        {subprocess, yes, "true or false"}, {sandbox, 1, "true or false"},
        {venv, venv, "a folder"}, {venv, "", "a folder"}, {venv, [1 bsl 40], "a folder"},
        {python, 3, "a file"}, {python, <<>>, "a file"}
    ]].

unknown_settings_are_named(_) ->
    [begin
        Line = failure([{Key, 1}]),
        contains(Line, atom_to_list(Key)),
        contains(Line, Hint)
     end || {Key, Hint} <- [
        {num_context, "did you mean num_contexts?"}, {contexts, "did you mean num_contexts?"},
        {loop_pool_size, "did you mean event_loop_pool_size?"}, {spawn, "known: event_loop_pool"},
        {'VENV', "known: event_loop_pool_size, "}
    ]].

failure(Environment) ->
    [ok = application:set_env(erlang_python, Key, Value) || {Key, Value} <- Environment],
    {error, Reason} = application:ensure_all_started(erlang_python),
    {erlang_python, {{python_not_started, Line}, {erlang_python_app, start, _}}} = Reason,
    [ok = application:unset_env(erlang_python, Key) || {Key, _} <- Environment],
    nomatch = binary:match(Line, <<"\n">>),
    contains(unicode:characters_to_binary(py:format_error({error, Reason})), Line),
    Line.

contains(Text, Part) ->
    {_, _} = binary:match(Text, unicode:characters_to_binary(Part)).

every_setting_is_checked(_) ->
    [_ = failure([{Key, {of_no_setting}}]) || Key <- py_config:keys()].

good_values_start(_) ->
    Good = [{num_contexts, 1}, {event_loop_pool_size, undefined}, {event_loop_spin, 0},
            {max_pending, 1000}, {subprocess, true}, {sandbox, true}, {venv, undefined}],
    [ok = application:set_env(erlang_python, Key, Value) || {Key, Value} <- Good],
    {ok, _} = application:ensure_all_started(erlang_python),
    {ok, 4.0} = py:call(py:context(1), math, sqrt, [16]).

settings_are_documented(_) ->
    {ok, Text} = file:read_file(project:file("README.md")),
    OfErlpy = [spawner_beside],
    [contains(Text, ["{", atom_to_list(Key), ", "]) || Key <- py_config:keys() -- OfErlpy].
