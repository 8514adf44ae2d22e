"""The drawings there are, by name. Importing it draws nothing."""

from collections.abc import Callable
from typing import Final

from avatar.portrait.art import anselm, imani, jun
from avatar.portrait.art.bake import Artwork

_DRAWN: Final[dict[str, Callable[[], Artwork]]] = {
    "imani": imani.draw,
    "anselm": anselm.draw,
    "jun": jun.draw,
}
NAMES: Final[tuple[str, ...]] = tuple(_DRAWN)


def draw(name: str) -> Artwork:
    """Draw one face; about ten seconds on one core."""
    return _DRAWN[name]()
