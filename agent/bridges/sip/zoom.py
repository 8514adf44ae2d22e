"""How a Zoom meeting is dialled by SIP (Zoom's Conference Room Connector). Pure.

The user part is `meeting[.passcode[.layout[.hostkey]]]`; the passcode in it is a secret, so an
address is shown without it. Surer is the address that Zoom's own API gives (`sip_dialing`).
"""

import re

from agent.bridges.sip.message import SipError, Uri

HOST = "zoomcrc.com"


def dial_string(meeting: str, passcode: str | None = None, *, host: str = HOST) -> Uri:
    """The address of a meeting. Raises SipError for a number or passcode that cannot be one."""
    number = re.sub(r"[\s-]", "", meeting)
    if not re.fullmatch(r"\d{9,12}", number):
        raise SipError("a Zoom meeting has a number of 9 to 12 digits: write it as 85123456789")
    code = (passcode or "").strip()
    if code and not re.fullmatch(r"\d{1,10}", code):
        raise SipError(
            "over SIP a meeting's passcode is its number passcode (digits only): Zoom shows it in "
            "the invitation, beside the telephone numbers"
        )
    return Uri(f"{number}.{code}" if code else number, host)


def shown(target: Uri) -> str:
    """The address without what follows the meeting's number: passcode and host key."""
    user = target.user
    if re.fullmatch(r"\d{9,12}(\..*)?", user):
        user = user.split(".")[0]
    return f"{target.scheme}:{user.split(':')[0]}@{target.host}"
