"""A process that ends without the interpreter's teardown says and returns what any other would."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("return 3", 3, ""),
        ("raise ValueError('no such thing')", 1, "ValueError: no such thing"),
        ("raise SystemExit(2)", 2, ""),
        ("raise SystemExit('bad usage')", 1, "bad usage"),
        ("raise SystemExit", 0, ""),
    ],
)
def test_the_exit_code_is_mains_and_farewells_are_said(body: str, code: int, said: str) -> None:
    program = (
        "import atexit\n"
        "from agent.leave import leave_after\n"
        "atexit.register(print, 'farewell')\n"
        f"def main():\n    {body}\n"
        "leave_after(main)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (code, "farewell\n")
    assert said in done.stderr if said else done.stderr == ""


def test_the_native_library_is_not_taken_apart() -> None:
    program = (
        "from livekit.rtc._ffi_client import FfiClient\n"
        "from agent.leave import leave\n"
        "FfiClient.instance._ffi_lib.livekit_ffi_dispose = lambda: print('taken apart')\n"
        "leave(0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
