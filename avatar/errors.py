"""What can go wrong in the rendering core.

AvatarError
├── PortraitError        a portrait pack cannot be used
│   └── PortraitMissing  there is no pack of that name
├── RendererError        a renderer cannot be made, or died while drawing
└── ModelError           a network's file cannot be had, or is not the file that it should be
"""

from collections.abc import Iterable
from typing import Self


class Sentence(str):
    """A sentence for people; `code` is its name, by which a page may say it in another language."""

    code: str

    def __new__(cls, code: str, text: str) -> Self:
        made = super().__new__(cls, text)
        made.code = code
        return made


def code_of(text: object) -> str:
    """The code of a sentence, "" for any other text."""
    return text.code if isinstance(text, Sentence) else ""


class AvatarError(Exception):
    """Root of everything avatar/ raises on purpose."""


class PortraitError(AvatarError):
    """A portrait pack that cannot be used; the message says why."""


class PortraitMissing(PortraitError):
    """No pack under that name or path."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(
            f"no portrait {name!r}: choose one of {', '.join(self.known) or '(none shipped)'}, "
            "or give the path of a pack folder"
        )


class RendererError(AvatarError):
    """A renderer that cannot be made, or that died while drawing."""


class ModelError(AvatarError):
    """A network's file that cannot be had, or that is not the one it should be."""
