"""The drawings there are, by name. Importing it draws nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from avatar.portrait.art import anselm, imani, jun, source
from avatar.portrait.art.bake import Artwork

_DRAWN: Final[dict[str, Callable[[], Artwork]]] = {
    "imani": imani.draw,
    "anselm": anselm.draw,
    "jun": jun.draw,
}
NAMES: Final[tuple[str, ...]] = tuple(_DRAWN)


def draw(name: str) -> Artwork:
    """Draw one face; about fifteen seconds on one core."""
    return replace(_DRAWN[name](), notes={"source": source.digest()})
