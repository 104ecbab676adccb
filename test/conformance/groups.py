"""The loop-generic part of CPython's test.test_asyncio: what any asyncio loop is held to.

The rest of it looks inside the standard library's own loops.
"""

# (module, class or None for the whole module), the slow ones first: they are run in parallel. A
# module that a version of Python lacks is left out.
GROUPS = [
    ("test_events", "EPollEventLoopTests"),
    ("test_ssl", None),
    ("test_sslproto", "SelectorStartTLSTests"),
    ("test_sendfile", "EPollEventLoopTests"),
    ("test_subprocess", "SubprocessThreadedWatcherTests"),
    ("test_timeouts", None),
    ("test_waitfor", None),
    ("test_taskgroups", None),
    ("test_sock_lowlevel", "EPollEventLoopTests"),
    ("test_streams", None),
    ("test_sslproto", "SslProtoHandshakeTests"),
    ("test_server", "SelectorStartServerTests"),
    ("test_server", "TestServer2"),  # from 3.12 on
    ("test_server", "UnixServerCleanupTests"),  # from 3.13 on
    ("test_buffered_proto", "BufferedProtocolSelectorTests"),
    ("test_futures2", None),
    ("test_locks", None),
    ("test_queues", None),
    ("test_threads", None),
    ("test_context", None),
    ("test_eager_task_factory", None),  # from 3.12 on
    ("test_unix_events", "TestFunctional"),
]


def title(group):
    """As it is written in reports: test_events.EPollEventLoopTests."""
    return ".".join(part for part in group if part)
