"""What INFO requests carry: digits, and the older way of asking for a key frame (RFC 5168)."""

from typing import Literal

from agent.bridges.sip.message import Request

DIGITS = "0123456789*#ABCD"
KEY_FRAME = (
    "application/media_control+xml",
    '<?xml version="1.0" encoding="utf-8"?><media_control><vc_primitive><to_encoder>'
    "<picture_fast_update/></to_encoder></vc_primitive></media_control>",
)
"""Content type and body of the request."""


def read(request: Request) -> tuple[Literal["key frame", "digit", ""], str] | None:
    """What is asked for, and the digit; "" for nothing of ours; None: a body we do not take."""
    kind = request.get("content-type").partition(";")[0].strip().lower()
    text = request.body.decode("utf-8", "replace")
    if kind == KEY_FRAME[0]:
        return ("key frame", "") if "picture_fast_update" in text else ("", "")
    if kind not in ("application/dtmf-relay", "application/dtmf"):
        return None
    signal = text.strip()
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.strip().lower() == "signal":
            signal = value.strip()
    return ("digit", signal) if len(signal) == 1 and signal in DIGITS else ("", "")
