"""The session timer (RFC 4028): a call whose other end has vanished ends by itself. No I/O."""

from agent.bridges.sip.message import Request, Response

SESSION_S = 1800
MIN_SE_S = 90


class SessionTimer:
    """refresh_at: when we must ask again; expires_at: when the call is dead. Both may be never."""

    def __init__(self) -> None:
        self.refresh_at = self.expires_at = float("inf")
        self._seconds = SESSION_S
        self._least = MIN_SE_S

    @property
    def due(self) -> float:
        return min(self.refresh_at, self.expires_at)

    def ask(self, request: Request) -> None:
        """Into an INVITE of ours."""
        request.add("session-expires", f"{self._seconds};refresher=uac")
        request.add("min-se", str(self._least))

    def lengthen(self, response: Response) -> None:
        """Our interval was too short for them (422)."""
        found = response.get("min-se").partition(";")[0].strip()
        self._least = max(self._least, int(found) if found.isdigit() else 0)
        self._seconds = max(self._seconds, self._least)

    def agreed(self, response: Response, now: float) -> None:
        """From the 2xx to our INVITE."""
        seconds, refresher = _read(response)
        if seconds:
            self._start(seconds, now, ours=(refresher or "uac") == "uac")
        else:
            self.refresh_at = self.expires_at = float("inf")

    def answer(self, request: Request, response: Response, now: float) -> None:
        """Into the 2xx to an INVITE or UPDATE of theirs."""
        seconds, refresher = _read(request)
        if not seconds:
            return
        seconds, refresher = max(seconds, self._least), refresher or "uac"
        response.add("session-expires", f"{seconds};refresher={refresher}")
        if refresher == "uac":
            response.add("require", "timer")
        self._start(seconds, now, ours=refresher == "uas")

    def retry(self, now: float) -> None:
        """A refresh was not taken: try once more before the call is dead."""
        self.refresh_at = min(self.refresh_at, now + self._seconds / 4)

    def _start(self, seconds: int, now: float, *, ours: bool) -> None:
        self._seconds = seconds
        self.refresh_at = now + seconds / 2 if ours else float("inf")
        self.expires_at = now + (seconds if ours else seconds - min(32.0, seconds / 3))


def _read(message: Request | Response) -> tuple[int, str]:
    """Seconds (0: no timer) and who refreshes."""
    number, _, params = message.get("session-expires").partition(";")
    if not number.strip().isdigit():
        return 0, ""
    pairs = (part.strip().partition("=") for part in params.split(";"))
    refresher = next((value for name, _, value in pairs if name == "refresher"), "")
    return int(number.strip()), refresher
