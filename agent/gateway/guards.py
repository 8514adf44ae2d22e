"""Who may ask what: pages of other sites, addresses that ask too often, and faces from photos.

Photos are personal. Unless the operator decides, they are taken, and portraits made of them are
shown, only where one person is at home: the gateway listens on loopback and is asked by a loopback
name. The name matters: it keeps out a page whose domain was pointed at 127.0.0.1, and a proxy that
passes public requests on under their own name.
"""

import time
from urllib.parse import urlsplit

from fastapi import Request

from agent.buckets import RateLimit
from agent.config import Settings, is_loopback
from agent.gateway.problems import Problem
from avatar.errors import Sentence

TURNED_OFF = Sentence(
    "photos-off",
    "Photos are turned off on this server. Whoever runs it can set VISAVIS_UPLOADS=on.",
)
NOT_ALONE = Sentence(
    "photos-public",
    "This server can be reached by others, so photos are off. "
    "Whoever runs it can set VISAVIS_UPLOADS=on.",
)


class PhotoRule:
    """Whether a request may make, see, choose and delete portraits made of photos."""

    def __init__(self, settings: Settings) -> None:
        self._wanted = settings.uploads
        self._local_only = settings.local_only

    def refusal(self, request: Request) -> str | None:
        """None when it may, else the sentence why not."""
        if self._wanted is not None:
            return None if self._wanted else TURNED_OFF
        alone = self._local_only and is_loopback(request.url.hostname or "")
        return None if alone else NOT_ALONE

    def require(self, request: Request) -> None:
        """Raises Problem(403) with the refusal."""
        if refusal := self.refusal(request):
            raise Problem(403, refusal)


def refuse_foreign_pages(request: Request, sentence: str) -> None:
    """A page of another site may not act in a visitor's name. Raises Problem(403)."""
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise Problem(403, sentence)


def take_turn(limit: RateLimit, request: Request, sentence: str) -> None:
    """Count the request against its address. Raises Problem(429) when there were too many."""
    address = request.client.host if request.client else ""
    if wait_s := limit.wait_s(address, time.monotonic()):
        raise Problem(429, sentence, retry_after_s=wait_s)
