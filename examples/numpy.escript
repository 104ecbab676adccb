#!/usr/bin/env escript
%% numpy objects stay in Python; Erlang holds references to them. Needs python3-numpy.
%%
%%   ERL_LIBS=_build/default/lib escript examples/numpy.escript

main([]) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    case py:call(numpy, array, [[[1, 2], [3, 4]]]) of
        {ok, Matrix} -> show(Matrix);
        {error, {not_found, numpy, _}} -> io:format("numpy is not installed~n")
    end.

show(Matrix) ->
    {ok, {2, 2}} = py:getattr(Matrix, shape),
    {ok, Product} = py:call(numpy, dot, [Matrix, Matrix]),
    {ok, [[7, 10], [15, 22]] = Rows} = py:call_method(Product, tolist, []),
    {ok, 54.0 = Sum} = py:eval(<<"float(m.sum())">>, #{m => Product}),
    io:format("~w, sum ~w~n", [Rows, Sum]).
