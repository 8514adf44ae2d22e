"""python -m agent: chooses what to run, and nothing else."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable

from agent.bridges.arguments import add_bridge_arguments
from agent.config import ConfigError, Settings
from agent.leave import leave_after
from agent.probe.arguments import add_arguments


def _demo(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent import demo

    return asyncio.run(demo.run(settings, open_browser=not arguments.no_browser, lan=arguments.lan))


def _dev(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent import reload

    return asyncio.run(reload.run(settings))


def _doctor(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent import doctor

    return asyncio.run(doctor.run(settings))


def _start(settings: Settings, arguments: argparse.Namespace) -> int:
    from livekit.agents.__main__ import main

    from agent.providers import preflight

    asyncio.run(preflight.report(settings, _tell))
    os.environ.update(settings.worker_environment())
    options = ["--log-level", settings.log_level, "--log-format", arguments.log_format]
    return main(["start", _worker_path(), *options])


def _avatar_worker(settings: Settings, arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from livekit.agents.__main__ import main

    os.environ.update(settings.worker_environment())
    entry = str(Path(__file__).with_name("avatar_worker.py"))
    options = ["--log-level", settings.log_level, "--log-format", arguments.log_format]
    return main(["start", entry, *options])


def _console(settings: Settings, arguments: argparse.Namespace) -> int:
    from livekit.agents import cli

    from agent.worker import server

    sys.argv = [sys.argv[0], "console"]
    cli.run_app(server)
    return 0


def _connect(settings: Settings, arguments: argparse.Namespace) -> int:
    from livekit.agents import cli

    os.environ.update(settings.worker_environment())
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


def _models(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent.providers.upkeep import UpkeepError, pull

    try:
        print(pull(arguments.name))
    except UpkeepError as error:
        _tell(str(error))
        return 1
    return 0


def _speak(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent import personas
    from agent.providers.upkeep import UpkeepError, speak_ahead

    try:
        chosen = [personas.from_setting(name) for name in arguments.personas or personas.names()]
        made = asyncio.run(speak_ahead(settings, chosen, print))
    except (UpkeepError, ConfigError, personas.PersonaError) as error:
        _tell(str(error))
        return 1
    print(f"{made} new in the cache")
    return 0


def _tell(sentence: str) -> None:
    print(f"visavis: {sentence}", file=sys.stderr, flush=True)


def _bridge(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent.bridges import command

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
    demo.add_argument(
        "--lan", action="store_true", help="for a phone in this network: https, with a QR code"
    )
    gateway = add("gateway", _gateway, "the page and its API alone")
    for command in (demo, gateway):
        command.add_argument("--port", type=int, help="of the page and the API (default 8080)")
    dev = add("dev", _dev, "the worker, restarted when code changes, calls kept")
    start = add("start", _start, "the worker")
    faces = add("avatar-worker", _avatar_worker, "draws faces for agents on other machines")
    for command in (start, faces):
        command.add_argument("--log-format", choices=["json", "colored"], default="json")
    add("console", _console, "talk to the agent in this terminal, without a room or a face")
    connect = add("connect", _connect, "send the agent into one room, without dispatch")
    connect.add_argument("--room", required=True)
    for command in (demo, gateway, dev, start, connect):
        command.add_argument("--portrait", help="the face of the persona: a name, or a pack folder")
    probe = add("probe", _probe, "call as a participant and measure what comes back")
    add_arguments(probe)
    models = add("models", _models, "fetch a model for the offline ear")
    models.add_argument("action", choices=["pull"])
    models.add_argument("name", help="whisper-tiny, -base, -small, -medium, -large-v3 or -turbo")
    speak = add("speak-ahead", _speak, "speak greetings and canned answers into the cache")
    speak.add_argument("personas", nargs="*", help="whose; all that are listed if left out")
    add_bridge_arguments(add("bridge", _bridge, "take the face elsewhere: RTMP, SIP, Zoom"))
    add("doctor", _doctor, "find out why a call does not work")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code. Bad settings: one sentence, code 2."""
    arguments = _parser().parse_args(argv)
    try:
        settings = Settings.from_environment()
        if getattr(arguments, "port", None) is not None:
            settings = settings.with_port(arguments.port)
        if getattr(arguments, "portrait", None) is not None:
            settings = settings.with_portrait(arguments.portrait)
    except ConfigError as error:
        print(f"visavis: {error}", file=sys.stderr)
        return 2
    try:
        code: int = arguments.run(settings, arguments)
    except KeyboardInterrupt:
        return 0
    return code


if __name__ == "__main__":
    leave_after(main)
