"""python -m avatar prepare PHOTO --name NAME: a photo becomes a talking avatar.
python -m avatar prepare --video CLIP --name NAME: so does a video, over which MuseTalk and
Wav2Lip speak.

Everything stays on this machine. A photo is not kept, of a video the first 20 s are. --consent
records who says that the face may be used, in pack.json, with the date.
"""

import argparse
import datetime
import json
import sys
from pathlib import Path

from avatar.errors import AvatarError
from avatar.prepare import Consent, Prepared, prepare


def main(argv: list[str]) -> int:
    """0: made. 2: the photo or the name cannot be used, said in one sentence on stderr."""
    given = _parse(argv)
    consent = None
    if given.consent:
        consent = Consent(given.consent, datetime.datetime.now(datetime.UTC).date().isoformat())
    try:
        made = prepare(
            given.video or given.photo,
            video=given.video is not None,
            name=given.name,
            library=given.library,
            consent=consent,
            replace=given.replace,
            preview=not given.no_preview,
            on_step=_tell_json if given.json else _tell,
        )
    except AvatarError as error:
        if given.json:
            print(json.dumps({"error": str(error)}), flush=True)
        print(f"prepare: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    _report(made, as_json=given.json)
    if given.video is not None:
        _make_latents(made)
    return 0


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m avatar prepare", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("photo", nargs="?", type=Path, help="JPEG, PNG or WebP with one face")
    what.add_argument(
        "--video",
        type=Path,
        metavar="CLIP",
        help="1 to 20 s of one face, lips shut; or a folder of its pictures, 25 a second",
    )
    parser.add_argument("--name", required=True, help="1 to 40 of a-z, 0-9 and -")
    parser.add_argument("--library", type=Path, help="folder for the pack (default: your own)")
    parser.add_argument("--consent", help='as in "this is me, or I may use it"')
    parser.add_argument("--replace", action="store_true", help="overwrite your portrait NAME")
    parser.add_argument("--no-preview", action="store_true", help="make no clip")
    parser.add_argument("--json", action="store_true", help="one JSON object a line on stdout")
    return parser.parse_args(argv)


def _make_latents(made: Prepared) -> None:
    """What MuseTalk keeps of the loop, now instead of in the first call, where that can be."""
    try:
        from avatar.renderers.musetalk import MuseTalkRenderer

        renderer = MuseTalkRenderer.open(str(made.pack))
        renderer.prepare()
        renderer.close()
    except (ImportError, AvatarError) as error:
        note = "the first call with MuseTalk will show the CPU portrait at first"
        print(f"note: {note}: {error}", file=sys.stderr)


def _tell(step: str, share: float) -> None:
    print(f"{share:4.0%} {step}", file=sys.stderr, flush=True)


def _tell_json(step: str, share: float) -> None:
    print(json.dumps({"step": step, "share": round(share, 2)}), flush=True)


def _report(made: Prepared, *, as_json: bool) -> None:
    if as_json:
        paths = {
            "pack": str(made.pack),
            "sheet": str(made.sheet),
            "preview": str(made.preview) if made.preview else None,
        }
        print(json.dumps({**paths, "warnings": made.warnings}), flush=True)
        return
    for warning in made.warnings:
        print(f"note: {warning}", file=sys.stderr)
    print(f"{made.pack.name}: {made.pack}")
    print(f"look at it: {made.sheet}" + (f" and {made.preview}" if made.preview else ""))
