defmodule ElixirAppTest do
  use ExUnit.Case

  test "Python counts, Elixir normalizes" do
    assert {:ok, [{"to", 2}, {"be", 2}]} = ElixirApp.top_words("To be or not to be", 2)
  end

  test "coroutines" do
    assert [2, 3, 0] = ElixirApp.count_all(["one two", "a b c", ""])
  end

  test "a failure names the exception" do
    assert {:error, {:exception, %{type: "AttributeError"}}} = ElixirApp.top_words(1, 2)
  end
end
