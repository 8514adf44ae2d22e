"""The parts of a chain that have been made: each at its first need, closed with the chain."""

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar


class Part(Protocol):
    """What an STT, an LLM and a TTS of LiveKit have in common."""

    def on(self, event: Any, callback: Callable[..., Any]) -> Any: ...
    def off(self, event: Any, callback: Callable[..., Any]) -> Any: ...
    async def aclose(self) -> None: ...


K = TypeVar("K")
P = TypeVar("P", bound=Part)


class Made(Generic[K, P]):
    """Parts by what they were made for; what they measure is passed on through `emit`."""

    def __init__(self, emit: Callable[..., Any]) -> None:
        self._emit = emit
        self._parts: dict[K, P] = {}

    def get(self, key: K, make: Callable[[], P]) -> P:
        """The part, made if it was not yet. Raises what `make` raises."""
        return self._parts[key] if key in self._parts else self.keep(key, make())

    def keep(self, key: K, part: P) -> P:
        """From now on, this is the part for `key`."""
        self._parts[key] = part
        part.on("metrics_collected", self._on_metrics)
        return part

    def first_of(self, *keys: K) -> P:
        """The first of these that was made. Raises KeyError when none was."""
        return self._parts[next((key for key in keys if key in self._parts), keys[-1])]

    async def aclose(self) -> None:
        """Close them all. They can be made anew."""
        parts, self._parts = self._parts, {}
        for part in parts.values():
            part.off("metrics_collected", self._on_metrics)
            await part.aclose()

    def _on_metrics(self, *arguments: Any) -> None:
        self._emit("metrics_collected", *arguments)
