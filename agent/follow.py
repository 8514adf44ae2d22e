"""Edits of the persona that speaks and the portrait that is worn, taken up with the call going on.

Only the files of these two are watched, by the call itself, so it works the same under start, demo
and dev. A file that cannot be used is shown to the room and logged, and the last good one stays.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

from agent.cast import Cast
from agent.personas import Persona
from agent.remote import CannotSwitch
from agent.sign import PROBLEM, Sign
from avatar.errors import PortraitError
from avatar.portrait import pack

logger = logging.getLogger(__name__)

_DEBOUNCE_MS = 200
_STEP_MS = 50
_KINDS = (".toml", ".py", ".md", ".txt", ".json", ".npz", ".png", ".jpg", ".webp")


class Follower:
    """Watches for one call between `start` and `aclose`."""

    def __init__(self, cast: Cast, sign: Sign) -> None:
        self._cast, self._sign = cast, sign
        self._moved = asyncio.Event()
        self._persona = Path()
        self._packs: tuple[Path, ...] = ()
        self._task: asyncio.Task[None] | None = None
        cast.on_change = self._on_change

    def start(self) -> None:
        """Watch from now on; the first persona may still have to enter."""
        self._task = asyncio.create_task(self._run(), name="follow-edits")

    async def aclose(self) -> None:
        """Watch no longer. Twice is fine."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _on_change(self, persona: Persona, portrait: str) -> None:
        self._persona, self._packs = persona.path.resolve(), _pack_of(portrait)
        self._moved.set()

    async def _run(self) -> None:
        while True:
            await self._moved.wait()
            self._moved.clear()
            # an editor puts another file in the place of a file: its folder is watched
            persona = self._persona if self._persona.is_dir() else self._persona.parent
            async for changes in awatch(
                persona,
                *self._packs,
                watch_filter=_Written(),
                debounce=_DEBOUNCE_MS,
                step=_STEP_MS,
                stop_event=self._moved,
            ):
                await self._take_up({Path(path) for _, path in changes})

    async def _take_up(self, paths: set[Path]) -> None:
        if any(path.is_relative_to(self._persona) for path in paths):
            await self._attempt(self._cast.refresh)
        if any(path.is_relative_to(folder) for path in paths for folder in self._packs):
            await self._attempt(self._cast.rewear)

    async def _attempt(self, change: Callable[[], Awaitable[None]]) -> None:
        try:
            await change()
        except (ValueError, CannotSwitch, OSError) as error:  # PersonaError is a ValueError
            logger.warning("edit not taken up", extra={"reason": str(error)})
            self._sign.show({PROBLEM: _for_the_room(str(error))})
        except Exception:  # the outer edge: an edit must not end a call
            logger.exception("edit not taken up")
            self._sign.show({PROBLEM: "The edit could not be taken up; the log says why."})
        else:
            self._sign.show({PROBLEM: ""})


class _Written(DefaultFilter):
    """Files of personas and portraits; nothing hidden or half-written by editors."""

    def __call__(self, change: Change, path: str) -> bool:
        return Path(path).suffix.lower() in _KINDS and super().__call__(change, path)


def _pack_of(portrait: str) -> tuple[Path, ...]:
    try:
        return (pack.load(portrait).path.resolve(),)
    except (PortraitError, OSError):
        return ()


def _for_the_room(message: str) -> str:
    """Without the folders of this machine: `imani/persona.toml:57: ...`."""
    place, colon, rest = message.partition(":")
    path = Path(place)
    return f"{path.parent.name}/{path.name}{colon}{rest}" if path.is_absolute() else message
