defmodule ElixirApp do
  @moduledoc """
  Python code of one's own in a Mix project: `priv/python` is put on Python's path at the start.
  """
  use Application

  @impl true
  def start(_type, _args) do
    folder = Path.join(:code.priv_dir(:elixir_app), "python")
    {:ok, _} = :py.eval("__import__('sys').path.append(folder)", %{folder: folder})
    :ok = :py_callback.register(:normalize, fn [word] -> String.downcase(word) end)
    Supervisor.start_link([], strategy: :one_for_one)
  end

  @doc "The most frequent words of a text, with their counts."
  def top_words(text, count) do
    with {:ok, words} <- :py.call(:words, :top, [text], %{count: count}), do: {:ok, words}
  end

  @doc "Counts the words of several texts at once, each in a coroutine."
  def count_all(texts) do
    refs = for text <- texts, do: :py_event_loop_pool.create_task(:words, :count, [text])
    for ref <- refs, {:ok, n} = :py_event_loop_pool.await(ref), do: n
  end
end
