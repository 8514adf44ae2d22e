"""How a process that was in a room ends: with its exit code, whatever native threads still do.

LiveKit's native library calls back into Python from threads of its own, its log lines up to a
second late. One that waits for the interpreter while that is torn down is ended by CPython in the
middle of Rust code, and the process aborts (about one of twenty on a busy machine). So what is left
to do at the end is done, and then the process is over without a teardown.
"""

import atexit
import os
import sys
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End this process now. Call it last, when loops are closed and threads joined."""
    atexit._run_exitfuncs()  # pools, logs, and LiveKit's own farewell to its rooms
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
