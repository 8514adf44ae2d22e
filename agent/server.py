"""A LiveKit server to call through: the one at LIVEKIT_URL, one that already runs, or our own.

Our own is found on PATH, else in the cache, else built there once with Go; it runs with
livekit.yaml, on loopback only, and ends with us. It never answers for a foreign server: a wrong
key is an error. A surprise: livekit-server loses a TERM that comes in its first 100 ms, and after
one TERM waits for every caller to leave; the second TERM ends it.
"""

import asyncio
import contextlib
import json
import logging
import shutil
import socket
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from livekit import api

from agent.config import DEV_KEY, DEV_SECRET, Settings, cache_folder, child_environment
from agent.processes import Child, how_it_ended

logger = logging.getLogger(__name__)

LIVEKIT_SERVER_VERSION = "1.13.5"
"""The newest that Go can install by name; later ones carry `replace` lines."""
HTTP_PORT, RTC_TCP_PORT, RTC_UDP_PORT = 7880, 0, 7882
CONFIG = Path(__file__).resolve().parent.parent / "livekit.yaml"

_LOOPBACK = "127.0.0.1"
_PACKAGE = f"github.com/livekit/livekit-server/cmd/server@v{LIVEKIT_SERVER_VERSION}"
_ANSWER_TIMEOUT_S = 3.0
_START_TIMEOUT_S = 15.0
_POLL_S = 0.02
_STOP_S = (0.3, 2.0)


class ServerError(Exception):
    """There is no LiveKit server to call through; the message says why and what to do."""


class LiveKitServer:
    """An async context manager; inside it a server answers at `url` and accepts the keys.

    url: a server that others run; None: our own on the given loopback ports (`rtc_tcp_port` 0:
    no TCP), unless one that knows our keys already answers at `port`. `progress` gets one line
    when something takes long. Entering raises ServerError, one sentence.
    """

    def __init__(
        self,
        *,
        url: str | None = None,
        api_key: str = DEV_KEY,
        api_secret: str = DEV_SECRET,
        port: int = HTTP_PORT,
        rtc_tcp_port: int = RTC_TCP_PORT,
        rtc_udp_port: int = RTC_UDP_PORT,
        config: Path = CONFIG,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self.url = url or f"ws://{_LOOPBACK}:{port}"
        self.api_key, self.api_secret = api_key, api_secret
        self._theirs = url is not None
        self._port, self._tcp_port, self._udp_port = port, rtc_tcp_port, rtc_udp_port
        self._config = config
        self._progress = progress or (lambda line: logger.info("livekit server: %s", line))
        self._child: Child | None = None

    @classmethod
    def for_settings(
        cls,
        settings: Settings,
        *,
        progress: Callable[[str], None] | None = None,
        config: Path = CONFIG,
    ) -> Self:
        """The server that these settings mean: LIVEKIT_URL when it is set, else our own."""
        theirs = "livekit_url" in settings.model_fields_set
        secret = settings.livekit_api_secret.get_secret_value()
        if not theirs and (settings.livekit_api_key, secret) != (DEV_KEY, DEV_SECRET):
            raise ServerError(
                "LIVEKIT_API_KEY or LIVEKIT_API_SECRET is set without LIVEKIT_URL: set all three, "
                "or none to use a server of our own"
            )
        return cls(
            url=settings.livekit_url if theirs else None,
            api_key=settings.livekit_api_key,
            api_secret=secret,
            config=config,
            progress=progress,
        )

    @property
    def http_url(self) -> str:
        """The server's API address."""
        return "http" + self.url.removeprefix("ws")

    @property
    def ours(self) -> bool:
        """We started the process, so it may also be restarted by us."""
        return self._child is not None

    @property
    def pid(self) -> int | None:
        """Of our own process; None for a server that others run."""
        return self._child.pid if self._child is not None else None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Find or start the server and return when it answers. Raises ServerError."""
        if self._theirs:
            await check_server(self.url, self.api_key, self.api_secret)
            return
        if await self._already_running():
            self._progress(f"using the LiveKit server that already runs at {self.url}")
            return
        self._refuse_taken_ports()
        if not self._config.is_file():
            raise ServerError(
                f"no {self._config.name} at {self._config.parent}: run from a checkout, "
                "or set LIVEKIT_URL to a server that runs"
            )
        binary = await find_or_build(self._progress)
        self._child = await Child.start("livekit-server", self._command(binary), on_line=_log)
        try:
            await self._until_it_answers(self._child)
        except BaseException:
            await self.aclose()
            raise

    async def wait(self) -> str:
        """Wait until our own server has ended by itself; returns the reason, one sentence."""
        assert self._child is not None, "only our own server is waited for"
        code = await self._child.wait()
        said = f": {_last_words(self._child)}" if code > 0 else ""
        return f"livekit-server {how_it_ended(code)}{said}"

    async def aclose(self) -> None:
        """End our own server; one that others run stays. Twice is fine."""
        child, self._child = self._child, None
        if child is not None:
            await child.stop(*_STOP_S)

    async def _already_running(self) -> bool:
        if not await asyncio.to_thread(_answers, self._port):
            return False
        try:
            await check_server(self.url, self.api_key, self.api_secret)
        except ServerError as error:
            raise ServerError(
                f"port {self._port} is taken and not by a LiveKit server that knows our key: "
                "stop the program that uses it, or set LIVEKIT_URL"
            ) from error
        return True

    def _refuse_taken_ports(self) -> None:
        wanted = [("udp", self._udp_port)]
        if self._tcp_port:
            wanted.append(("tcp", self._tcp_port))
        for protocol, port in wanted:
            if _taken(protocol, port):
                raise ServerError(
                    f"{protocol} port {port} is taken, and calls need it: stop the program that "
                    "uses it (another livekit-server?), or set LIVEKIT_URL"
                )

    def _command(self, binary: Path) -> list[str | Path]:
        ports = {
            "--port": self._port,
            "--rtc.tcp_port": self._tcp_port,
            "--udp-port": self._udp_port,
        }
        flags = [text for flag, port in ports.items() for text in (flag, str(port))]
        return [binary, "--config", self._config, *flags]

    async def _until_it_answers(self, child: Child) -> None:
        ended = asyncio.create_task(child.wait(), name="livekit-server-ended")
        try:
            async with asyncio.timeout(_START_TIMEOUT_S), aiohttp.ClientSession() as session:
                while not ended.done():
                    with contextlib.suppress(aiohttp.ClientError):
                        async with session.get(self.http_url) as answer:
                            if answer.status == 200:
                                return
                    await asyncio.wait([ended], timeout=_POLL_S)
        except TimeoutError:
            raise ServerError(
                f"livekit-server did not answer within {_START_TIMEOUT_S:.0f} s: "
                f"{_last_words(child)}"
            ) from None
        finally:
            ended.cancel()
            await asyncio.wait([ended])
        raise ServerError(f"livekit-server did not start: {_last_words(child)}")


def accept_short_secret(settings: Settings) -> None:
    """Once per command: hush the warning that the development secret is short; it is meant so.

    Any other short secret is still warned of.
    """
    if settings.livekit_api_secret.get_secret_value() == DEV_SECRET:
        warnings.filterwarnings("ignore", message="The HMAC key is", category=UserWarning)


def server_api(settings: Settings, **options: Any) -> api.LiveKitAPI:
    """The server's own API, by the settings' key. An async context manager.

    options: of api.LiveKitAPI.
    """
    secret = settings.livekit_api_secret.get_secret_value()
    return api.LiveKitAPI(settings.http_url, settings.livekit_api_key, secret, **options)


async def check_server(url: str, api_key: str, api_secret: str) -> None:
    """Ask the server at `url` for its rooms. Raises ServerError when it is away or says no."""
    timeout = aiohttp.ClientTimeout(total=_ANSWER_TIMEOUT_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session:
            client = api.LiveKitAPI(url, api_key, api_secret, session=session)
            await client.room.list_rooms(api.ListRoomsRequest())
    except api.TwirpError as error:
        if error.status in (401, 403):
            raise ServerError(
                f"the LiveKit server at {url} does not accept LIVEKIT_API_KEY and "
                "LIVEKIT_API_SECRET: use a pair from its `keys`"
            ) from None
        raise ServerError(f"the LiveKit server at {url} answers with an error: {error}") from None
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise ServerError(
            f"no LiveKit server answers at {url} ({type(error).__name__}): start it, correct "
            "LIVEKIT_URL, or unset it to use one of our own"
        ) from None


def find() -> Path | None:
    """The livekit-server on PATH, else the one in the cache; None when there is none yet."""
    on_path = shutil.which("livekit-server")
    if on_path is not None:
        return Path(on_path)
    cached = cache_folder() / "livekit-server"
    return cached if cached.is_file() else None


async def find_or_build(progress: Callable[[str], None]) -> Path:
    """The server's binary, built into the cache (minutes) when there is none.

    Raises ServerError when Go is missing or fails.
    """
    found = find()
    if found is not None:
        return found
    go = shutil.which("go")
    if go is None:
        raise ServerError(
            "livekit-server is not installed and there is no Go to build it: install Go 1.26 or "
            "newer, put livekit-server on PATH, or set LIVEKIT_URL"
        )
    progress(f"building livekit-server {LIVEKIT_SERVER_VERSION}, once; this takes some minutes")
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    # beside the goal, so that the last step is one rename: a half-built binary is never found
    with tempfile.TemporaryDirectory(dir=folder, prefix="build-") as made:
        env = child_environment({"GOBIN": made})
        child = await Child.start("go-install", [go, "install", _PACKAGE], env=env)
        try:
            code = await child.wait()
        finally:
            await child.stop(1.0)
        if code != 0:
            raise ServerError(f"go could not build livekit-server: {_last_words(child)}")
        return (Path(made) / "server").replace(folder / "livekit-server")


def _answers(port: int) -> bool:
    try:
        socket.create_connection((_LOOPBACK, port), timeout=_ANSWER_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def _taken(protocol: str, port: int) -> bool:
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        if protocol == "tcp":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except OSError:
            return True
    return False


def _log(line: str) -> None:
    logger.debug("%s", line)


def _last_words(child: Child) -> str:
    """The last line that says something, out of its JSON where it has one."""
    for line in reversed(child.tail):
        try:
            message = json.loads(line).get("msg")
        except (ValueError, AttributeError):
            message = line
        if isinstance(message, str) and message.strip():
            return message.strip()
    return "it said nothing"
