"""A photo or a video becomes a talking avatar: `prepare` finds the face, makes the pack, shows what
came out.

Runs on numpy and OpenCV; only the detector (avatar/prepare/detect.py) needs an environment of its
own, made by scripts/setup. A photo that cannot become a good avatar is refused with one sentence
and leaves nothing behind. Nothing leaves the machine, and the photo itself is not kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from avatar.prepare.errors import PrepareError

__all__ = ["Consent", "PrepareError", "Prepared", "prepare"]


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person who gave the photo said about it, and when: kept in pack.json.

    date: as in 2026-11-20.
    """

    text: str
    date: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """What came out of a photo: all paths lie in the pack's folder.

    preview: None when it was not wanted or could not be made; `warnings` then says why.
    """

    pack: Path
    sheet: Path
    preview: Path | None
    warnings: tuple[str, ...]


def prepare(
    source: Path,
    *,
    name: str,
    video: bool = False,
    library: Path | None = None,
    consent: Consent | None = None,
    replace: bool = False,
    preview: bool = True,
    on_step: Callable[[str, float], None] | None = None,
) -> Prepared:
    """Make the portrait `name` from a photo (JPEG, PNG or WebP); blocks for some seconds.

    video: the source is a video, or a folder of pictures, 25 a second. Its calmest picture becomes
    the portrait, and the loop that MuseTalk and Wav2Lip speak over lies beside it.
    library: folder for the pack, by default the user's own. replace: overwrite an own portrait of
    that name. on_step is told what is done and the share that is behind it, 0..1.
    Raises PrepareError with one sentence; nothing is left behind then.
    """
    from avatar.prepare.studio import make

    return make(
        source,
        video=video,
        name=name,
        folder=library,
        consent=consent,
        replace=replace,
        preview=preview,
        on_step=on_step or (lambda _step, _share: None),
    )
