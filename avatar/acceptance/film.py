"""What is judged: one sentence spoken by a portrait as in a call, and a row of held faces.

The film goes through the real renderer (lip sync, manners, engine); every frame is kept together
with the parameters that made it, and the mouth is drawn a second time with the head held upright,
because pixels can only be measured where the head does not move. Draws, judges nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.acceptance.speech import SENTENCES, Speech, speak
from avatar.frames import CLOCK_RATE, AudioChunk, Cue, Manner, Mood, SpeechEnd
from avatar.params import FaceParams, weights
from avatar.portrait.engine import Engine
from avatar.portrait.pack import Pack
from avatar.renderers.cpu import Face
from avatar.visemes import SHAPES, VISEMES

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]

FPS: Final = 25
SIZE: Final = 512
SEED: Final = 11


@dataclass(frozen=True, slots=True)
class Film:
    """A portrait speaking SENTENCES["en"].

    frames: (n, SIZE * SIZE * 3 // 2) I420. mouths: (n, h, w, 3) BGR, the lips box with the head
    upright. gaps, widths: (n,) of the rig, in eye distances. middles_s: (n,) the second of speech
    in the middle of each frame. still: True where the corner pixels of a frame equal the first's.
    """

    pack: Pack
    speech: Speech
    params: tuple[FaceParams, ...]
    frames: Bytes
    mouths: Bytes
    gaps: Floats
    widths: Floats

    @property
    def middles_s(self) -> Floats:
        return (np.arange(len(self.frames)) + 0.5) / FPS


def film(engine: Engine) -> Film:
    """Let the portrait of `engine`, which must be SIZE x SIZE, speak."""
    speech, said = told("en", FPS)
    frames = np.empty((len(said), SIZE * SIZE * 3 // 2), np.uint8)
    for params, out in zip(said, frames, strict=True):
        engine.draw(params, out)
    mouths = np.stack([mouth_of(engine, params) for params in said])
    lips = [engine.lips(params) for params in said]
    unit = engine.pack.eye_distance * SIZE / 1024
    return Film(
        pack=engine.pack,
        speech=speech,
        params=said,
        frames=frames,
        mouths=mouths,
        gaps=np.array([lip.gap for lip in lips]) / unit,
        widths=np.array([lip.upper[0, -1] - lip.upper[0, 0] for lip in lips]) / unit,
    )


@lru_cache(maxsize=64)
def told(
    language: str, fps: int, mood: Mood = Mood.NEUTRAL
) -> tuple[Speech, tuple[FaceParams, ...]]:
    """A sentence of SENTENCES and the face of each of its frames: the same for every portrait."""
    speech = speak(SENTENCES[language])
    said = tuple(spoken(speech, fps=fps, mood=mood))
    for params in said:
        params.weights.flags.writeable = False
    return speech, said


def spoken(
    speech: Speech, *, fps: int, seed: int = SEED, mood: Mood = Mood.NEUTRAL
) -> list[FaceParams]:
    """The face of every frame, by the path of a call without the drawing."""
    face = Face(seed=seed)
    face.hear(AudioChunk(1, 0, speech.samples, speech.timings))
    face.hear(SpeechEnd(1))
    found = []
    for i in range(int(speech.seconds * fps)):
        position = (2 * i + 1) * CLOCK_RATE // (2 * fps)
        shown = face.at(Cue(i, i / fps, 0, 1, position, Manner.SPEAKING, mood))
        found.append(_copied(shown))
    return found


def _copied(shown: FaceParams) -> FaceParams:
    head = (shown.yaw, shown.pitch, shown.roll, shown.tx, shown.ty, shown.breath)
    return FaceParams(shown.weights.copy(), *head)


def stills() -> dict[str, FaceParams]:
    """The held faces that are measured, by name."""
    found = {"rest": FaceParams()}
    found |= {name: FaceParams(SHAPES[i].copy()) for i, name in enumerate(VISEMES) if name != "sil"}
    for name, named in _EXPRESSIONS.items():
        found[name] = FaceParams(weights(**named))
    for name, pose in _POSES.items():
        found[name] = FaceParams(yaw=pose[0], pitch=pose[1])
    return found


_EXPRESSIONS: Final[dict[str, dict[str, float]]] = {
    "blink": {"eyeBlink": 1.0},
    "half blink": {"eyeBlink": 0.5},
    "angry": {"browDown": 1.0},
    "surprised": {"browInnerUp": 0.9, "browOuterUp": 0.8, "eyeWide": 0.6},
    "smile": {"mouthSmile": 0.8},
    "look left": {"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0},
    "look right": {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0},
}
_POSES: Final = {"yaw -12": (-12.0, 0.0), "yaw +12": (12.0, 0.0), "nod": (0.0, 8.0)}


def mouth_of(engine: Engine, params: FaceParams) -> Bytes:
    """(h, w, 3) BGR: the lips box of these weights, head upright."""
    x0, y0, x1, y1 = (v * SIZE // 1024 for v in engine.pack.boxes["lips"])
    return picture(engine, FaceParams(params.weights))[y0:y1, x0:x1]


def picture(engine: Engine, params: FaceParams) -> Bytes:
    """(SIZE, SIZE, 3) BGR."""
    frame = np.empty(SIZE * SIZE * 3 // 2, np.uint8)
    engine.draw(params, frame)
    return bgr(frame)


def bgr(frame: Bytes) -> Bytes:
    """An I420 frame as (SIZE, SIZE, 3) BGR."""
    shown = cv2.cvtColor(frame.reshape(-1, SIZE), cv2.COLOR_YUV2BGR_I420)
    return shown.astype(np.uint8, copy=False)


def ramp(engine: Engine, at: Callable[[float], FaceParams], steps: int) -> Floats:
    """(steps,) mean luma change of each step while a movement goes from 0 to 1."""
    frame, last = (np.empty(SIZE * SIZE * 3 // 2, np.uint8) for _ in range(2))
    engine.draw(at(0.0), last)
    found = np.empty(steps)
    for k in range(steps):
        engine.draw(at((k + 1) / steps), frame)
        luma = slice(0, SIZE * SIZE)
        found[k] = cv2.norm(frame[luma], last[luma], cv2.NORM_L1) / (SIZE * SIZE)
        frame, last = last, frame
    return found
