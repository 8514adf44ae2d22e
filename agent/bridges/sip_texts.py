"""What a person reads when a call by SIP did not come up; for our agent and LiveKit's service."""


def refusal(why: str, status: int) -> str:
    """What a person reads when a call did not come up."""
    hints = {
        0: "the other side did not answer in time",
        401: "the password was refused: check VISAVIS_SIP_PASSWORD and --account",
        403: "the call is forbidden: is the room connector part of the meeting's account?",
        404: "there is no such meeting: check the number",
        407: "the password was refused: check VISAVIS_SIP_PASSWORD and --account",
        408: "no answer: check the address, the transport and the firewall",
        480: "the meeting is not open, or the host is away",
        486: "busy",
        488: "no common format or encryption: try --encryption optional, or --transport tls",
        603: "declined: a wrong passcode, or the host refused",
    }
    return f"the call did not come up ({status or why}): {hints.get(status, why)}"


def not_registered(host: str, why: str, status: int) -> str:
    """What a person reads when a registrar does not take us."""
    hint = "check VISAVIS_SIP_PASSWORD and --account" if status in (401, 403, 407) else why
    return f"{host} does not register us ({status}): {hint}"
