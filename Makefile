# Thin on purpose: what a target does is in scripts/. PYTHON=/path/to/python3 picks an interpreter.
export PYTHON ?= /usr/bin/python3

.DEFAULT_GOAL := build
.PHONY: build demo test check bench install-python format clean help

build: ## build the application into _build/default/lib/erlang_python (default)
	@scripts/setup build
	@rebar3 compile

demo: ## show it: an unchanged HTTP server and 20,000 coroutines inside a node
	@scripts/setup demo
	@rebar3 compile
	@scripts/demo

test: ## run every test: C++, Erlang, Python
	@scripts/setup test
	@scripts/test

check: ## formatters, linters, type checkers, dialyzer
	@scripts/setup check
	@scripts/check

bench: ## measure against asyncio, uvloop and a bare process round trip; also draws a picture
	@scripts/setup bench
	@rebar3 compile
	@bench/run --plot _build/bench/speed.png

install-python: ## install the event loop into PYTHON, a virtual environment's, for use without a node
	@scripts/setup build
	@scripts/install_python

format: ## let clang-format, black and isort rewrite the sources
	@scripts/setup check
	@scripts/format

clean: ## remove everything that was built
	@rm -rf _build priv/erlang_python_nif.so priv/erlang_python_spawner priv/python/_erlang.*.so

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "PYTHON=/path/to/python3 picks the interpreter to embed (now $(PYTHON))."
