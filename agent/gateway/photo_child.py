"""python -m agent.gateway.photo_child PHOTO NAME CONSENT: makes one portrait, within bounds.

A process of its own because what it reads came from a stranger: it holds no key, gives way to
calls, and cannot take more memory or disk than it is given. It prints one JSON object a line:
steps, then either `done` or `refused`. An unforeseen error ends it with status 1 and a stack trace.
"""

import contextlib
import json
import os
import resource
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from avatar.errors import Sentence, code_of
from avatar.prepare import Consent, Prepared, PrepareError, prepare

MAX_MEMORY_BYTES: Final = 3 << 30
"""Of each process: of this one, and of the detector that it starts."""
MAX_FILE_BYTES: Final = 64 << 20
_NICE: Final = 10

TOO_MUCH = Sentence(
    "photo-large",
    "This photo needs more memory than there is for one. Save it smaller, then try again.",
)


def main(argv: list[str]) -> int:
    """Make the portrait; returns the exit status: 0 also for a photo that was refused."""
    photo, name, consent_text = argv
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that prepare cleans up behind itself
    _bound()
    consent = Consent(consent_text, datetime.now(UTC).date().isoformat())
    try:
        made = prepare(Path(photo), name=name, consent=consent, on_step=_step)
    except PrepareError as error:
        _tell({"refused": as_sentence(str(error)), "code": error.code})
    except MemoryError:
        _tell({"refused": TOO_MUCH, "code": TOO_MUCH.code})
    else:
        _tell({"done": _names(made)})
    return 0


def _bound() -> None:
    os.nice(_NICE)
    for limit, value in (
        (resource.RLIMIT_DATA, MAX_MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, MAX_FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # a lower limit is set already
            resource.setrlimit(limit, (value, value))


def _step(step: str, share: float) -> None:
    _tell({"step": step, "share": round(share, 3)})


def _names(made: Prepared) -> dict[str, object]:
    warnings = [(code_of(text), as_sentence(text)) for text in made.warnings]
    return {"pack": made.pack.name, "warnings": warnings}


def as_sentence(text: str) -> str:
    """What a command line says in small letters and without a full stop, for a page."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


def _tell(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
