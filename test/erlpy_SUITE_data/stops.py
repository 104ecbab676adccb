"""Has its node stopped, sees that, and goes on or ends."""

import atexit
import sys
import threading
import time

import erlang

text = "at exit"


@atexit.register
def at_exit():
    print(text, flush=True)


while not hasattr(erlang, "stop_node"):
    time.sleep(0.01)
try:
    erlang.stop_node()
except erlang.ErlangError as error:
    print(type(error).__name__, flush=True)

if sys.argv[1] == "wait":
    threading.Event().wait()
