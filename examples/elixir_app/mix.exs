defmodule ElixirApp.MixProject do
  use Mix.Project

  # What is built goes beside erlang_python's own build.
  @build Path.expand("../../_build/elixir_app", __DIR__)

  def project do
    [
      app: :elixir_app,
      version: "0.1.0",
      elixir: "~> 1.14",
      build_path: @build,
      deps_path: Path.join(@build, "deps"),
      lockfile: Path.join(@build, "mix.lock"),
      deps: [{:erlang_python, path: "../.."}]
    ]
  end

  def application, do: [mod: {ElixirApp, []}]
end
