"""Moving previews of the portraits that ship: made when first asked for, then kept in the cache.

One is made at a time, in the thread of the request that asked first; the others wait for it.
"""

import logging
import tempfile
import threading
from pathlib import Path

from agent.config import cache_folder
from avatar.errors import AvatarError
from avatar.portrait.pack import Pack
from avatar.prepare.preview import CLIP, make_clip

logger = logging.getLogger(__name__)

_making = threading.Lock()


def shipped_clip(found: Pack, name: str) -> Path | None:
    """The clip of a portrait that ships, MP4; None when it cannot be made, with a line in the log.

    Takes a second or two the first time: call it off the event loop.
    """
    stamp = (found.path / "pack.json").stat().st_mtime_ns // 1_000_000
    clip = cache_folder() / "previews" / f"{name}-{stamp:x}.mp4"
    with _making:
        if clip.is_file():
            return clip
        try:
            clip.parent.mkdir(parents=True, exist_ok=True)
            # beside the goal, so that the last step is one rename: half a clip is never found
            with tempfile.TemporaryDirectory(dir=clip.parent, prefix="making-") as scratch:
                made = Path(scratch) / CLIP
                make_clip(found.path, made)
                made.replace(clip)
        except (AvatarError, OSError) as error:
            logger.warning("no preview", extra={"portrait": name, "reason": str(error)})
            return None
    return clip
