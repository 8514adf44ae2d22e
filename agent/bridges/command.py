"""`python -m agent bridge …`: runs one bridge until it ends or is stopped, and says how it stands.

Exit codes: 0 stopped or over, 1 it failed, 2 it cannot be used so.
"""

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Coroutine
from typing import Any

from agent.bridges.errors import BridgeError
from agent.config import Settings
from agent.server import accept_short_secret


class Reports:
    """Says on standard output what happened: a sentence, or a JSON object for programs."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def say(self, part: str, state: str, why: str = "") -> None:
        """part: which half of the bridge; state: one word; why: a reason for people."""
        if self._as_json:
            line = json.dumps({"part": part, "state": state, "why": why})
        else:
            line = f"{part}: {state}" + (f" ({why})" if why else "")
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Run the way that was asked for."""
    level = settings.log_level if "log_level" in settings.model_fields_set else "WARNING"
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    accept_short_secret(settings)
    reports = Reports(getattr(arguments, "json", False))
    try:
        return asyncio.run(_until_stopped(_way(settings, arguments, reports)))
    except BridgeError as error:
        reports.say("bridge", "failed", str(error))
        return 1


def _way(
    settings: Settings, arguments: argparse.Namespace, reports: Reports
) -> Coroutine[Any, Any, int]:
    if arguments.way == "doctor":
        from agent.bridges import doctor

        return doctor.run(settings, arguments)
    if arguments.way == "sip":
        try:
            from agent.bridges.sip import bridge
        except ImportError as error:
            raise BridgeError(
                f"SIP needs more packages ({error.name} is missing): install them with "
                "pip install -c constraints.txt '.[bridge]'"
            ) from None
        return bridge.run(settings, arguments, reports)
    from agent.bridges import rtmp

    return rtmp.run(settings, arguments, reports)


async def _until_stopped(work: Coroutine[Any, Any, int]) -> int:
    """Run it; INT and TERM end it in order."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return 0
