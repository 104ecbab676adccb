%% @doc Where the sources are: tests run somewhere below them.
-module(project).

-export([file/1]).

%% The absolute name of a file of the project.
-spec file(file:name()) -> file:name().
file(Name) ->
    filename:join(root(filename:dirname(filename:absname(code:which(?MODULE)))), Name).

root(Folder) ->
    case filelib:is_file(filename:join([Folder, "bin", "erlpy"])) of
        true -> Folder;
        false -> root(filename:dirname(Folder))
    end.
