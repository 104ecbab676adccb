"""ErlangEventLoop: asyncio's event loop on the C++ core of `_erlang.EventLoop`.

The core schedules callbacks, keeps timers, polls descriptors and waits. What it does not do
(connections, servers, DNS, subprocesses ...) is the standard library's own code, which finds here
everything that it expects of a selector event loop, save for the selector.
"""

from __future__ import annotations

import asyncio
import asyncio.base_events
import asyncio.unix_events
import logging
import selectors
from typing import Any, Callable

import _erlang

from . import _signals, _subprocess
from ._socket_calls import SocketCalls
from ._transports import NativeTransports

_log = logging.getLogger("asyncio")


class _CorePoller:
    """Stands where BaseSelectorEventLoop keeps its selector: the core has a poller of its own."""

    def __init__(self, loop: ErlangEventLoop) -> None:
        self._loop = loop

    def get_key(self, fd: int) -> selectors.SelectorKey:
        """For the reprs of the standard library's transports."""
        events = self._loop._watched_events(fd)
        if not events:
            raise KeyError(fd)
        return selectors.SelectorKey(fd, fd, events, None)

    def close(self) -> None:
        pass


class ErlangEventLoop(
    _erlang.EventLoop, NativeTransports, SocketCalls, asyncio.unix_events._UnixSelectorEventLoop
):
    """A complete asyncio event loop; see asyncio.AbstractEventLoop.

    Inside an Erlang node and outside: any number of them, one in any thread at a time.
    """

    # What the standard library's loops have and its types don't tell.
    _check_running: Callable[[], None]
    _internal_fds: int
    _set_coroutine_origin_tracking: Callable[[bool], None]
    _signal_handlers: dict[int, asyncio.Handle]

    def __init__(self) -> None:
        self._signals_of_python = _signals.SignalsOfPython()
        super().__init__(_CorePoller(self))

    # Running.

    _current_handle: asyncio.Handle | None

    def run_forever(self) -> None:
        """Run until stop() is called."""
        self._check_closed()
        self._check_running()
        self._set_coroutine_origin_tracking(self._debug)
        try:
            self._signals_of_python.run_begins(self)
            self._run()
        finally:
            self._signals_of_python.run_ends(self)
            self._stopping = False
            self._set_coroutine_origin_tracking(False)

    def close(self) -> None:
        """Close the loop. It must not be running."""
        if not self.is_running():
            self._signals_of_python.release()
        super().close()

    def _run_handle_in_debug(self, handle: asyncio.Handle) -> None:
        self._current_handle = handle
        try:
            started = self.time()
            handle._run()
            duration = self.time() - started
            if duration >= self.slow_callback_duration:
                _log.warning(
                    "Executing %s took %.3f seconds",
                    asyncio.base_events._format_handle(handle),  # type: ignore[attr-defined]
                    duration,
                )
        finally:
            self._current_handle = None
            # A task's traceback may lead to this frame, and must not keep the task alive by it.
            del handle

    def _add_callback(self, handle: asyncio.Handle) -> None:
        """Handles of the standard library's own making arrive here: those of signals."""
        if not handle._cancelled:
            self.call_soon(_run_unless_cancelled, handle)

    # The core wakes itself by an eventfd; a pipe exists for signals only.

    _csock = None
    _ssock = None

    def _make_self_pipe(self) -> None:
        self._internal_fds += 1

    def _close_self_pipe(self) -> None:
        self._internal_fds -= 1

    # Subprocesses.

    async def _make_subprocess_transport(self, *args: Any, **kwargs: Any) -> Any:
        return await _subprocess.make_transport(self, *args, **kwargs)

    # Signals.

    _signals_of_vm: _signals.SignalsOfVM | None = None

    def add_signal_handler(self, sig: int, callback: Callable[..., Any], *args: Any) -> None:
        """Call the callback in the loop when the signal arrives.

        In a node, off Python's main thread, it is the VM that gets signals, and hands over those
        that os:set_signal/2 knows. Others raise NotImplementedError, among them SIGINT.
        """
        if _signals.are_pythons():
            self._signals_of_python.add(self, sig, callback, args)
            return
        if self._signals_of_vm is None:
            self._signals_of_vm = _signals.SignalsOfVM(self)
        self._signals_of_vm.add(self, sig, callback, args)

    def remove_signal_handler(self, sig: int) -> bool:
        """False if there was no handler."""
        if self._signals_of_vm is not None and self._signals_of_vm.remove(self, sig):
            return True
        return self._signals_of_python.remove(self, sig)


def _run_unless_cancelled(handle: asyncio.Handle) -> None:
    if not handle._cancelled:
        handle._run()
