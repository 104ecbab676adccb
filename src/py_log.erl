%% @private
%% @doc Hands what Python's logging sends to Erlang's logger; a process of its own, since handlers
%% may be slow, and the router must not be.
-module(py_log).
-behaviour(gen_server).

-export([start_link/0, init/1, handle_call/3, handle_cast/2, handle_info/2]).

-define(LEVELS, [
    {<<"debug">>, debug},
    {<<"info">>, info},
    {<<"notice">>, notice},
    {<<"warning">>, warning},
    {<<"error">>, error},
    {<<"critical">>, critical}
]).

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

-spec init([]) -> {ok, nil}.
init([]) ->
    {ok, nil}.

-spec handle_call(term(), gen_server:from(), nil) -> {reply, {error, unknown}, nil}.
handle_call(_Request, _From, State) ->
    {reply, {error, unknown}, State}.

-spec handle_cast(term(), nil) -> {noreply, nil}.
handle_cast(_Message, State) ->
    {noreply, State}.

-spec handle_info(term(), nil) -> {noreply, nil}.
handle_info({py_log, Level, Message, Metadata}, State) when is_map(Metadata) ->
    %% Without a domain: the default handler drops all domains but OTP's.
    logger:log(level(Level), "~ts", [text(Message)], #{python => Metadata}),
    {noreply, State};
handle_info(_Other, State) ->
    {noreply, State}.

level(Name) ->
    proplists:get_value(Name, ?LEVELS, notice).

text(Message) when is_binary(Message) -> Message;
text(Message) -> io_lib:format("~tp", [Message]).
