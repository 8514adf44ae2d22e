"""Takes a pack.json apart without trusting it: every value is typed and within its bounds.

Getters raise ValueError or KeyError that name the place; pack.py makes one sentence of it. Refused
before parsing: what is huge; while parsing: doubled keys and values that are not JSON.
"""

import json
import re
from typing import Final, NoReturn

from avatar.errors import PortraitError
from avatar.portrait.paint import Box

MAX_BYTES: Final = 256 << 10

_MAX_TEXT: Final = 500
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Manifest:
    """One object of a pack.json; `place` is where it stands."""

    def __init__(self, values: dict[str, object], place: str = "") -> None:
        self._values = values
        self._place = place

    def value(self, key: str) -> object:
        """Whatever stands there. Raises ValueError when nothing does."""
        if key not in self._values:
            raise ValueError(f"{self._place}{key}: it is missing")
        return self._values[key]

    def has(self, key: str) -> bool:
        """Whether anything stands there."""
        return key in self._values

    def group(self, key: str) -> "Manifest":
        """An object inside of this one."""
        value = self.value(key)
        if not isinstance(value, dict):
            raise ValueError(f"{self._place}{key}: an object is needed")
        return Manifest(value, f"{self._place}{key}.")

    def text(self, key: str) -> str:
        """Something to read, of at most 500 printable characters."""
        value = self.value(key)
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{self._place}{key}: text is needed")
        if len(value) > _MAX_TEXT or not value.isprintable():
            raise ValueError(f"{self._place}{key}: {_MAX_TEXT} printable characters are the limit")
        return value

    def number(self, key: str, low: float, high: float) -> float:
        """A number from low to high."""
        value = self.value(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{self._place}{key}: {value!r:.40} is not a number")
        # a comparison with what is not a number is false
        if not low <= value <= high:
            raise ValueError(f"{self._place}{key}: {value!r:.40} is not in {low:g}..{high:g}")
        return float(value)

    def numbers(self, bounds: dict[str, tuple[float, float]]) -> dict[str, float]:
        """Numbers by name, each within its bounds."""
        return {key: self.number(key, low, high) for key, (low, high) in bounds.items()}

    def colour(self, key: str) -> str:
        """#rrggbb."""
        return _checked_colour(self.value(key), f"{self._place}{key}")

    def colours(self, key: str, length: int) -> tuple[str, ...]:
        """A list of so many colours."""
        value = self.value(key)
        if not isinstance(value, list) or len(value) != length:
            raise ValueError(f"{self._place}{key}: a list of {length} is needed")
        return tuple(_checked_colour(item, f"{self._place}{key}") for item in value)

    def sha256(self, key: str) -> str:
        """64 hexadecimal digits."""
        value = self.value(key)
        if not isinstance(value, str) or not _SHA256.fullmatch(value):
            raise ValueError(f"{self._place}{key}: a sha256 in lower case is needed")
        return value

    def box(self, key: str, *, canvas: int, step: int) -> Box:
        """[x0, y0, x1, y1], multiples of step on the canvas, at least 64 a side."""
        value = self.value(key)
        place = f"{self._place}{key}: box {value!r:.60}"
        if not isinstance(value, list) or len(value) != 4:
            raise ValueError(f"{place}: four numbers are needed")
        for v in value:
            if isinstance(v, bool) or not isinstance(v, int) or v % step or not 0 <= v <= canvas:
                raise ValueError(f"{place}: multiples of {step} up to {canvas} are needed")
        x0, y0, x1, y1 = value
        if x1 - x0 < 64 or y1 - y0 < 64:
            raise ValueError(f"{place}: 64 a side is the least")
        return x0, y0, x1, y1


def parse(data: bytes, where: str) -> Manifest:
    """The manifest in these bytes. Raises PortraitError; where: what a refusal calls it."""
    if len(data) > MAX_BYTES:
        raise PortraitError(f"{where} is larger than {MAX_BYTES >> 10} KiB: not a portrait pack")
    try:
        raw = json.loads(
            data.decode("utf-8"), object_pairs_hook=_without_doubles, parse_constant=_refuse
        )
    except (ValueError, RecursionError) as error:
        raise PortraitError(f"{where} is not readable JSON: {error!s:.200}") from error
    if not isinstance(raw, dict):
        raise PortraitError(f"{where} is not a JSON object")
    return Manifest(raw)


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key is in an object twice")
    return values


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")


def _checked_colour(value: object, place: str) -> str:
    if not isinstance(value, str) or not _COLOUR.fullmatch(value):
        raise ValueError(f"{place}: {value!r:.40} is not a colour #rrggbb")
    return value
