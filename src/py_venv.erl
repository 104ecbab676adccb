%% @private
%% @doc Virtual environments: can this interpreter use one?
-module(py_venv).

-export([check/1]).

%% @doc `ok' if `Dir' holds a virtual environment for the Python version that we are built with.
-spec check(file:name_all()) -> ok | {error, string()}.
check(Dir) ->
    case file:read_file(filename:join(Dir, "pyvenv.cfg")) of
        {error, Reason} ->
            {error, "no readable pyvenv.cfg: " ++ file:format_error(Reason)};
        {ok, Config} ->
            check_version(Config)
    end.

check_version(Config) ->
    #{python_version := Ours} = py_nif:build_info(),
    case re:run(Config, "^version(?:_info)?\\s*=\\s*(\\S+)", [multiline, {capture, [1], binary}]) of
        nomatch ->
            ok;
        {match, [Theirs]} ->
            case minor(Theirs) =:= minor(Ours) of
                true -> ok;
                false -> {error, io_lib:format("it is for Python ~ts, not ~ts", [Theirs, Ours])}
            end
    end.

minor(Version) ->
    lists:sublist(binary:split(Version, <<".">>, [global]), 2).
