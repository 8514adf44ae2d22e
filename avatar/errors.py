"""What can go wrong in the rendering core.

AvatarError
├── PortraitError        a portrait pack cannot be used
│   └── PortraitMissing  there is no pack of that name
└── RendererError        a renderer cannot be made, or died while drawing
"""

from collections.abc import Iterable


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
