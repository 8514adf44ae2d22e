"""The personas a visitor may choose, as the page shows them.

Read from disk on every request, so that a persona edited while the gateway runs is current; packs
keep their own cache. A persona whose portrait cannot be read is still listed, without a picture:
the agent may have another way to show it.
"""

import logging

from pydantic import BaseModel

from agent import personas
from agent.config import Settings
from agent.gateway import portraits
from agent.gateway.problems import Problem

logger = logging.getLogger(__name__)

_BACKDROP_WITHOUT_PACK = ("#C4CCBE", "#607C74")


class PersonaCard(BaseModel):
    """One persona on the start screen. Colours are the middle and the edge of its backdrop."""

    id: str
    name: str
    role: str
    tagline: str
    language: str
    disclosure: str
    poster: str | None
    preview: str | None
    """Some seconds of it talking, MP4."""
    backdrop: tuple[str, str]
    photo: bool
    """Its portrait is one's own, made from a photo: the edges of the picture may hold anything."""


class PersonaList(BaseModel):
    """The answer of GET /api/personas; `default` is chosen when the page opens."""

    default: str
    server_url: str
    """Where calls go, so that a page can prepare the way before anyone presses Start."""
    personas: list[PersonaCard]


class Catalogue:
    """Personas by name. Its methods read files: call them off the event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def listing(self) -> PersonaList:
        """Every persona that can be read, the default one first."""
        default = self._settings.persona
        names = sorted(personas.names(), key=lambda name: (name != default, name))
        cards = [card for name in names if (card := self._card(name)) is not None]
        return PersonaList(default=default, server_url=self._settings.public_url, personas=cards)

    def require(self, name: str) -> None:
        """Raises Problem(422) naming the personas there are, when `name` is none of them."""
        known = personas.names()
        if name not in known:
            raise Problem(422, f"There is no persona {name}. There are: {', '.join(known)}.")

    def _card(self, name: str) -> PersonaCard | None:
        try:
            persona = personas.load(name)
        except personas.PersonaError as error:
            logger.warning("persona left out", extra={"persona": name, "reason": str(error)})
            return None
        worn = self._settings.portrait if name == self._settings.persona else None
        portrait = worn or persona.portrait
        found = portraits.open_pack(portrait) if portrait in portraits.names(own=True) else None
        return PersonaCard(
            id=name,
            name=persona.name,
            role=persona.role,
            tagline=persona.tagline,
            language=persona.language,
            disclosure=self._settings.disclosure or persona.disclosure,
            poster=portraits.address(found, portrait, "poster") if found else None,
            preview=portraits.address(found, portrait, "preview") if found else None,
            backdrop=found.backdrop if found else _BACKDROP_WITHOUT_PACK,
            photo=portrait in portraits.mine(),
        )
