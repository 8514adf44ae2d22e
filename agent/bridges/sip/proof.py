"""The password of a call or registration: what was asked, the proof in each request. No I/O."""

from agent.bridges.sip import digest
from agent.bridges.sip.message import Request, Response

_MOST_TRIES = 3


class Proof:
    """account: user and password; None: nothing can be proved."""

    def __init__(self, account: tuple[str, str] | None) -> None:
        self._account = account
        self._challenge: digest.Challenge | None = None
        self._name = ""
        self._count = self._tries = 0

    def asked(self, response: Response) -> bool:
        """Read a 401 or 407; False: it cannot be answered, or the password was wrong."""
        origin = response.status == 401
        found = digest.best(response.all("www-authenticate" if origin else "proxy-authenticate"))
        if found is None or self._account is None or self._tries >= _MOST_TRIES:
            return False
        if self._challenge is not None and not found.stale and self._tries:
            return False
        self._tries += 1
        self._challenge, self._count = found, 0
        self._name = "authorization" if origin else "proxy-authorization"
        return True

    def accepted(self) -> None:
        """It was right; a later challenge is a new one."""
        self._tries = 0

    def add(self, request: Request) -> None:
        """Put the proof in, once it was asked for."""
        if self._challenge is None or self._account is None:
            return
        self._count += request.method != "ACK"
        user, password = self._account
        proof = self._challenge.answer(
            method=request.method,
            uri=str(request.uri),
            user=user,
            password=password,
            count=max(1, self._count),
        )
        request.add(self._name, proof)
