# Python from Elixir tasks.
#
#   ERL_LIBS=_build/default/lib elixir examples/parallel.exs

{:ok, _} = Application.ensure_all_started(:erlang_python)

:ok =
  :py.exec("""
  import asyncio
  import hashlib

  def digest(text):
      return hashlib.sha256(text.encode()).hexdigest()

  async def later(value, seconds):
      await asyncio.sleep(seconds)
      return value
  """)

digests =
  ["one", "two", "three"]
  |> Task.async_stream(fn word -> :py.call(:__main__, :digest, [word]) end)
  |> Enum.map(fn {:ok, {:ok, digest}} -> String.slice(digest, 0, 8) end)

IO.inspect(digests)
["7692c3ad", "3fc4ccfe", "8b5b9db0"] = digests

refs = for n <- 1..100, do: :py_event_loop_pool.create_task(:__main__, :later, [n, 0.01])
values = for ref <- refs, {:ok, value} = :py_event_loop_pool.await(ref), do: value
IO.puts("#{length(values)} coroutines, sum #{Enum.sum(values)}")
5050 = Enum.sum(values)

{:error, {:exception, %{type: "KeyError"}}} = :py.eval("{}['missing']")
