"""Finds out why a call does not work: one line for each thing a call needs.

It changes nothing, starts nothing and shows no key, only whether there is one. A line with "--" is
a choice (no cloud key: the offline part serves), a line with "no" keeps calls from working and
says what to do.
"""

import asyncio
import shutil
import socket
import sys
from dataclasses import dataclass
from importlib import metadata
from typing import Literal

import aiohttp

from agent import personas, tools
from agent.config import DEV_SECRET, ConfigError, Settings
from agent.gateway.pages import WEB_DIR
from agent.providers import choose, preflight
from agent.server import (
    HTTP_PORT,
    RTC_UDP_PORT,
    ServerError,
    accept_short_secret,
    check_server,
    find,
)
from agent.terminal import say
from avatar.errors import AvatarError
from avatar.portrait import pack

_TIMEOUT_S = 3.0
_DISTRIBUTIONS = (
    "livekit-agents",
    "livekit",
    "visavis-agent",
    "visavis-avatar",
    "livekit-plugins-visavis",
    "livekit-plugins-espeak",
    "livekit-plugins-pocketsphinx",
)
_OFFLINE = {
    "pocketsphinx": "DEEPGRAM_API_KEY or OPENAI_API_KEY sets a real ear",
    "whisper": "DEEPGRAM_API_KEY or OPENAI_API_KEY sets a quicker ear",
    "script": "OPENAI_API_KEY or OPENAI_BASE_URL sets a real mind",
    "espeak": "ELEVENLABS_API_KEY or OPENAI_API_KEY sets a natural voice",
}
_SIGNS = {"ok": "ok", "choice": "--", "problem": "no"}


State = Literal["ok", "choice", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `detail` of a problem says what to do."""

    state: State
    what: str
    detail: str


async def run(settings: Settings) -> int:
    """Say one line for each thing; returns 1 when something keeps calls from working."""
    accept_short_secret(settings)
    findings = await examine(settings)
    for finding in findings:
        say(f"{_SIGNS[finding.state]}  {finding.what}: {finding.detail}")
    problems = sum(finding.state == "problem" for finding in findings)
    if problems:
        say(f"{problems} to put right" if problems > 1 else "one to put right")
    else:
        say("nothing in the way of a call")
    return 1 if problems else 0


async def examine(settings: Settings) -> list[Finding]:
    """Every finding, in the order in which to put things right."""
    found = [_python(), *_packages(), await _tool("node", "20.19"), _page()]
    found += [_portraits(settings), *_personas(settings), *await _providers(settings)]
    server = await _server(settings)
    found += [*server, await _worker(settings), await _gateway(settings)]
    return found


def _python() -> Finding:
    return Finding("ok", "Python", ".".join(map(str, sys.version_info[:3])))


def _packages() -> list[Finding]:
    versions, missing = [], []
    for name in _DISTRIBUTIONS:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    found = [Finding("ok", "packages", ", ".join(versions))]
    if missing:
        sentence = f"{', '.join(missing)} not installed: run scripts/setup"
        found.append(Finding("problem", "packages", sentence))
    return found


async def _tool(name: str, least: str) -> Finding:
    """Node and Go only build; a page and a server that are there need neither."""
    path = shutil.which(name)
    if path is None:
        return Finding("choice", name, f"not installed; only building needs it ({least} or newer)")
    process = await asyncio.create_subprocess_exec(
        path, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    output, _ = await process.communicate()
    return Finding("ok", name, output.decode(errors="replace").strip())


def _page() -> Finding:
    if (WEB_DIR / "index.html").is_file():
        return Finding("ok", "page", "built")
    return Finding("problem", "page", "not built: run scripts/setup")


def _portraits(settings: Settings) -> Finding:
    names = [settings.portrait] if settings.portrait else list(pack.names())
    if not names:
        return Finding("problem", "portraits", "none is there: get the whole repository again")
    try:
        for name in names:
            pack.load(name)
    except AvatarError as error:
        return Finding("problem", "portraits", str(error))
    return Finding("ok", "portraits", ", ".join(names))


def _personas(settings: Settings) -> list[Finding]:
    found = []
    for name in dict.fromkeys([settings.persona, *personas.names()]):
        try:
            tools.check(personas.load(name))
        except personas.PersonaError as error:
            found.append(Finding("problem", f"persona {name}", str(error)))
        else:
            found.append(Finding("ok", f"persona {name}", "loads"))
    return found


async def _providers(settings: Settings) -> list[Finding]:
    """What serves, by asking it; the offline parts are a choice."""
    try:
        persona = personas.from_setting(settings.persona)
        checks = await preflight.check(settings, persona)
        first = {
            "ear": choose.ear_names(settings)[0],
            "mind": choose.mind_names(settings, persona)[0],
            "voice": choose.voice_names(settings)[0],
        }
    except ConfigError as error:
        return [Finding("problem", "providers", str(error))]
    except personas.PersonaError:
        return []  # said above
    states: dict[str, State] = {"ok": "ok", "problem": "problem", "unknown": "choice"}
    found = [Finding(states[one.state], one.what, one.detail) for one in checks]
    for part, name in first.items():
        if name in _OFFLINE:
            found.append(Finding("choice", part, f"{name}, offline: {_OFFLINE[name]}"))
    return found


async def _server(settings: Settings) -> list[Finding]:
    url, theirs = settings.livekit_url, "livekit_url" in settings.model_fields_set
    secret = settings.livekit_api_secret.get_secret_value()
    try:
        await check_server(url, settings.livekit_api_key, secret)
    except ServerError as error:
        found = [Finding("problem", "LiveKit server", str(error))]
        return found if theirs else await _own_server()
    found = [Finding("ok", "LiveKit server", f"{url} answers and accepts the key")]
    if secret == DEV_SECRET and "127.0.0.1" not in url and "localhost" not in url:
        sentence = f"{url} accepts the development key, which everybody knows: change its `keys`"
        found.append(Finding("problem", "LiveKit key", sentence))
    return found


async def _own_server() -> list[Finding]:
    """None runs: could `python -m agent demo` start one?"""
    found = [Finding("problem", "LiveKit server", "not running: start it with scripts/demo")]
    binary = await asyncio.to_thread(find)
    if binary is None:
        go = await _tool("go", "1.26")
        sentence = "no livekit-server yet: run scripts/setup"
        found = [Finding("problem", "LiveKit server", sentence), go]
    for port, kind in ((HTTP_PORT, socket.SOCK_STREAM), (RTC_UDP_PORT, socket.SOCK_DGRAM)):
        if not _free(port, kind):
            sentence = "taken by another program, and our LiveKit server needs it: stop that one"
            found.append(Finding("problem", f"port {port}", sentence))
    return found


async def _worker(settings: Settings) -> Finding:
    """Only a worker on this machine can be asked; behind a server of others there may be more."""
    url = f"http://127.0.0.1:{settings.worker_port}/worker"
    if await _answer(url) is not None:
        return Finding("ok", "agent worker", f"running, {url}")
    sentence = f"none answers at {url}: start it with scripts/demo or python -m agent start"
    return Finding("problem", "agent worker", sentence)


async def _gateway(settings: Settings) -> Finding:
    url = f"http://127.0.0.1:{settings.port}/api/health"
    answer = await _answer(url)
    if answer is not None and '"checks"' in answer:
        healthy = '"status":"ok"' in answer.replace(" ", "")
        detail = f"{url} says that a call can start" if healthy else f"not all is well: {answer}"
        return Finding("ok" if healthy else "problem", "gateway", detail)
    if answer is None and _free(settings.port, socket.SOCK_STREAM):
        sentence = f"none at {url}: start it with scripts/demo or python -m agent gateway"
        return Finding("problem", "gateway", sentence)
    sentence = f"port {settings.port} is taken by another program: stop it, or set VISAVIS_PORT"
    return Finding("problem", "gateway", sentence)


async def _answer(url: str) -> str | None:
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            return await answer.text()
    except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError):
        return None


def _free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
