"""How a process that was in a room ends: with its exit code, whatever native threads still do.

LiveKit's native library calls back into Python from threads of its own, its log lines up to a
second late. One that waits for the interpreter while that is torn down is ended by CPython in the
middle of Rust code, and the process aborts (about one of twenty on a busy machine). So what is left
to do at the end is done, and then the process is over without a teardown. LiveKit's own farewell at
exit is left out: it takes the native library apart while that still runs.
"""

import atexit
import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn


def leave_after(main: Callable[[], int]) -> NoReturn:
    """Run it and end with its exit code; one that raises is told as Python tells it."""
    try:
        code = main()
    except SystemExit as ended:  # argparse's, for instance
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            sys.stderr.write(f"{ended.code}\n")
    except BaseException:  # the outer edge of the process
        traceback.print_exc()
        code = 1
    leave(code)


def leave(code: int) -> NoReturn:
    """End this process now. Call it last, when loops are closed and threads joined."""
    sys.stdout.flush()
    sys.stderr.flush()
    client = sys.modules.get("livekit.rtc._ffi_client")
    if client is not None:
        client.FfiClient._ffi_disposed = True  # so that nothing is taken apart at exit
    atexit._run_exitfuncs()  # pools, logs
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
