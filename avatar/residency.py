"""Models in memory: loaded once, shared by everybody who uses them, let go when nobody does.

A model that somebody holds is never unloaded. One that nobody holds stays for a while, in case it
is wanted again, and leaves earlier, the longest unused first, when another one needs the room.
Thread-safe; loading one model does not keep others waiting. Knows nothing of torch.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from avatar.errors import ModelError
from avatar.models import size

Model = TypeVar("Model")

KEPT_S: Final = 300.0


@dataclass(slots=True)
class _Place(Generic[Model]):
    bytes: int
    ready: threading.Event = field(default_factory=threading.Event)
    model: Model | None = None
    fault: Exception | None = None
    holders: int = 0
    let_go_s: float = 0.0


class Hold(Generic[Model]):
    """The right to use a model until it is released; a context manager. Twice is fine."""

    def __init__(self, model: Model, release: Callable[[], None]) -> None:
        self.model = model
        self._release: Callable[[], None] | None = release

    def release(self) -> None:
        """Let go of the model; it must not be used any more."""
        release, self._release = self._release, None
        if release is not None:
            release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _later(seconds: float, work: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, work)
    timer.daemon = True
    timer.start()


class Residency(Generic[Model]):
    """capacity: bytes that all models together may take. kept_s: how long an unused one stays.

    now: a clock in seconds. freed: called when models have left, and before another one is loaded
    in their place. later: calls after so many seconds, on a thread of its own.
    """

    def __init__(
        self,
        capacity: int,
        *,
        kept_s: float = KEPT_S,
        now: Callable[[], float] = time.monotonic,
        freed: Callable[[], None] = lambda: None,
        later: Callable[[float, Callable[[], None]], None] = _later,
    ) -> None:
        self._capacity, self._kept_s, self._now, self._freed = capacity, kept_s, now, freed
        self._later = later
        self._lock = threading.Lock()
        self._places: dict[str, _Place[Model]] = {}

    @property
    def used(self) -> int:
        """Bytes taken, by models that are being loaded too."""
        with self._lock:
            return self._used()

    def names(self) -> tuple[str, ...]:
        """The models in memory."""
        with self._lock:
            return tuple(name for name, place in self._places.items() if place.ready.is_set())

    def hold(self, name: str, bytes: int, load: Callable[[], Model]) -> Hold[Model]:
        """The model, loaded if it is not here; who comes while it is being loaded waits for it.

        bytes: what it takes. Raises ModelError when there is no room because others are held, and
        whatever `load` raises.
        """
        mine = False
        with self._lock:
            left = self._take_unused()
            place = self._places.get(name)
            if place is None:
                left += self._make_room(name, bytes)
                place = self._places[name] = _Place(bytes)
                mine = True
            place.holders += 1
        self._drop(left)
        if mine:
            self._fill(name, place, load)
        place.ready.wait()
        if place.fault is not None:
            raise place.fault
        assert place.model is not None
        return Hold(place.model, lambda: self._let_go(place))

    def sweep(self) -> None:
        """Let go what nobody has used for `kept_s`. By itself, and at each `hold`."""
        with self._lock:
            left = self._take_unused()
        self._drop(left)

    def _fill(self, name: str, place: _Place[Model], load: Callable[[], Model]) -> None:
        try:
            place.model = load()
        except BaseException as error:
            interrupted = ModelError(f"the loading of {name} was interrupted")
            place.fault = error if isinstance(error, Exception) else interrupted
            with self._lock:
                del self._places[name]  # the next one tries anew
            if place.fault is interrupted:
                raise
        finally:
            place.ready.set()

    def _let_go(self, place: _Place[Model]) -> None:
        with self._lock:
            place.holders -= 1
            place.let_go_s = self._now()
            unused = place.holders == 0
        if unused:
            self._later(self._kept_s, self.sweep)

    def _used(self) -> int:
        return sum(place.bytes for place in self._places.values())

    def _idle(self) -> list[str]:
        """Unused models, the longest unused first."""
        idle = [name for name, place in self._places.items() if place.holders == 0]
        return sorted(idle, key=lambda name: self._places[name].let_go_s)

    def _take_unused(self) -> list[_Place[Model]]:
        late = self._now() - self._kept_s
        return [self._places.pop(n) for n in self._idle() if self._places[n].let_go_s <= late]

    def _make_room(self, name: str, bytes: int) -> list[_Place[Model]]:
        held = sum(place.bytes for place in self._places.values() if place.holders)
        if held + bytes > self._capacity:
            raise ModelError(
                f"no room for {name}: it takes {size(bytes)}, and {size(held)} of "
                f"{size(self._capacity)} are in use by live sessions"
            )
        left = []
        for idle in self._idle():
            if self._used() + bytes <= self._capacity:
                break
            left.append(self._places.pop(idle))
        return left

    def _drop(self, left: list[_Place[Model]]) -> None:
        """The last references to them: what they took is free before anything else is loaded."""
        for place in left:
            place.model = None
        if left:
            self._freed()
