"""python -m agent: chooses what to run, and nothing else."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable

from agent.config import ConfigError, Settings
from agent.probe.arguments import add_arguments


def _demo(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent import demo

    return asyncio.run(demo.run(settings, open_browser=not arguments.no_browser))


def _dev(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent import reload

    return asyncio.run(reload.run(settings))


def _doctor(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent import doctor

    return asyncio.run(doctor.run(settings))


def _start(settings: Settings, arguments: argparse.Namespace) -> int:
    from livekit.agents.__main__ import main

    os.environ.update(settings.worker_environment())
    options = ["--log-level", settings.log_level, "--log-format", arguments.log_format]
    return main(["start", _worker_path(), *options])


def _console(settings: Settings, arguments: argparse.Namespace) -> int:
    from livekit.agents import cli

    from agent.worker import server

    sys.argv = [sys.argv[0], "console"]
    cli.run_app(server)
    return 0


def _connect(settings: Settings, arguments: argparse.Namespace) -> int:
    from livekit.agents import cli

    from agent.worker import server

    sys.argv = [sys.argv[0], "connect", "--room", arguments.room]
    cli.run_app(server)
    return 0


def _gateway(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent.gateway.app import serve
    from agent.gateway.pages import WEB_DIR

    asyncio.run(serve(settings, web_dir=WEB_DIR, worker_health_url=None, ready=None))
    return 0


def _probe(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent.probe import command

    return command.run(settings, arguments)


def _worker_path() -> str:
    from pathlib import Path

    return str(Path(__file__).with_name("worker.py"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m agent", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, run: Callable[..., int], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    demo = add("demo", _demo, "server, worker and page in one: the whole thing on this machine")
    demo.add_argument("--no-browser", action="store_true", help="do not open the page")
    gateway = add("gateway", _gateway, "the page and its API alone")
    for command in (demo, gateway):
        command.add_argument("--port", type=int, help="of the page and the API (default 8080)")
    add("dev", _dev, "the worker, restarted when code changes, calls kept")
    start = add("start", _start, "the worker")
    start.add_argument("--log-format", choices=["json", "colored"], default="json")
    add("console", _console, "talk to the agent in this terminal, without a room or a face")
    connect = add("connect", _connect, "send the agent into one room, without dispatch")
    connect.add_argument("--room", required=True)
    probe = add("probe", _probe, "call as a participant and measure what comes back")
    add_arguments(probe)
    add("doctor", _doctor, "find out why a call does not work")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code. Bad settings: one sentence, code 2."""
    arguments = _parser().parse_args(argv)
    try:
        settings = Settings.from_environment()
        if getattr(arguments, "port", None) is not None:
            settings = settings.with_port(arguments.port)
    except ConfigError as error:
        print(f"visavis: {error}", file=sys.stderr)
        return 2
    try:
        code: int = arguments.run(settings, arguments)
    except KeyboardInterrupt:
        return 0
    return code


if __name__ == "__main__":
    sys.exit(main())
