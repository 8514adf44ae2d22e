"""What a call asks for: persona and portrait, named in the metadata of its dispatch or its room.

Both carry JSON, {"persona": name, "portrait": name}, either may be left out. A name that is unknown
or cannot be used is passed over with a line in the log, because a call that was started must be
answered. Names come from the network: they never reach the file system as a path.
"""

import json
import logging
from collections.abc import Iterator, Sequence

from agent import personas
from agent.personas import Persona
from avatar.errors import AvatarError, PortraitMissing
from avatar.portrait import pack

logger = logging.getLogger(__name__)


def choose_persona(metadata: Sequence[str], *, otherwise: str) -> Persona:
    """The first persona that the metadata names, else the one that the setting `otherwise` means.

    Raises PersonaError when that one cannot be used.
    """
    for name in _asked(metadata, "persona"):
        try:
            return personas.load(name)
        except personas.PersonaNotFound as error:
            logger.warning("unknown persona asked for", extra={"reason": str(error)})
    return personas.from_setting(otherwise)


def choose_portrait(metadata: Sequence[str], *, otherwise: str) -> str:
    """The first portrait that the metadata names and that can be worn; reads its files."""
    for name in _asked(metadata, "portrait"):
        try:
            if name not in pack.names():
                raise PortraitMissing(name, pack.names())
            pack.load(name)
        except AvatarError as error:
            logger.warning("portrait not worn", extra={"reason": str(error)})
        else:
            return name
    return otherwise


def _asked(metadata: Sequence[str], key: str) -> Iterator[str]:
    for text in metadata:
        try:
            parsed = json.loads(text) if text else None
        except ValueError:
            continue
        name = parsed.get(key) if isinstance(parsed, dict) else None
        if isinstance(name, str):
            yield name
