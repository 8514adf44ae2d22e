"""Every check on one portrait, in the order of what a viewer notices first."""

from avatar.acceptance import landmarks, pixels, rig, seen
from avatar.acceptance.film import SIZE, film
from avatar.acceptance.gates import Reached
from avatar.portrait.engine import Engine
from avatar.portrait.pack import load


def judge(portrait: str, *, detector: bool | None = None) -> list[Reached]:
    """What a portrait (a name or a pack's folder) reaches; takes some seconds of one core.

    detector: whether to look for landmarks; by default where the detector is installed.
    Raises PortraitError for a pack that cannot be used, DetectorFailed for a detector that fails.
    """
    engine = Engine(load(portrait), size=(SIZE, SIZE))
    shown = film(engine)
    found = [*rig.of_film(shown), *pixels.of_film(engine, shown)]
    found += [*rig.of_shapes(engine), *pixels.of_stills(engine), *pixels.of_ramps(engine)]
    found += pixels.of_replay(shown, Engine(load(portrait), size=(SIZE, SIZE)))
    if landmarks.available() if detector is None else detector:
        found += [*seen.of_film(shown), *seen.of_stills(engine)]
    return [*found, *rig.of_moods(engine), *rig.of_languages(engine)]
