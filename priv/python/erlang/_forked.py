"""What Python itself gets wrong in a child that is forked on a thread that is not of `threading`.

The rest of what a forked child needs is in c_src/runtime/forked_child.h.
"""

from __future__ import annotations

import os
import threading
from typing import Any


def _make_main_thread_whole() -> None:
    """Up to Python 3.12 a stand-in becomes the main thread, on which threading._shutdown() fails.

    `multiprocessing` calls that in its children.
    """
    main: Any = threading.main_thread()
    if getattr(main, "_tstate_lock", main) is None:
        main._set_tstate_lock()


def install() -> None:
    """After threading's own hook, which has been registered when that was imported."""
    os.register_at_fork(after_in_child=_make_main_thread_whole)
