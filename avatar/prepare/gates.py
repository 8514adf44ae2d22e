"""Which photos are refused, and in which words. Says what to do, never only what is wrong.

Measured on the canvas, where every face has the same size; thresholds were set on a photo, its
spoilt variants and the drawn portraits. What is only a pity becomes a warning.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.errors import Sentence
from avatar.portrait.rig import INNER_LOWER, INNER_UPPER
from avatar.prepare.errors import PrepareError
from avatar.prepare.eyes import EYES
from avatar.prepare.framing import OVAL, Framed
from avatar.prepare.mouth import gap_of
from avatar.prepare.skin import Floats, polygon

_SMALLEST_FACE: Final = 90
_DOMINANT: Final = 2.2
_YAW: Final = 20.0
_PITCH: Final = 24.0
_DARK: Final = 30.0
_BRIGHT: Final = 242.0
_BLURRED: Final = 8.0
_SOFT: Final = 13.0
_EYES_SHUT: Final = 0.11
_HIDDEN_EYES: Final = 0.45  # white of the eye against skin
_WIDE_MOUTH: Final = 0.42
_WIDE_SMILE: Final = 0.16
_CUT_OFF: Final = 0.02
_FLAT_LIPS: Final = 0.09  # share of the skin's lightness
_STRANGE_CHIN: Final = 12.0  # Lab
_CHEEKS, _CHIN, _ABOVE_LIP = (50, 280, 205, 425), (199, 200, 175), (164, 167, 393)
_LIPS: Final = (37, 0, 267, 84, 17, 314)


def choose(faces: Floats) -> NDArray[np.float32]:
    """The box of the one face that is meant."""
    if not len(faces):
        raise PrepareError(
            Sentence(
                "no-face",
                "no face was found: use a photo of one person who looks into the camera, face free",
            )
        )
    areas = (faces[:, 2] - faces[:, 0]) * (faces[:, 3] - faces[:, 1])
    order = np.argsort(-areas)
    if len(order) > 1 and areas[order[0]] < _DOMINANT * areas[order[1]]:
        raise PrepareError(
            Sentence(
                "several-faces",
                f"there are several faces in the photo ({len(order)}): cut it to one person",
            )
        )
    return np.asarray(faces[order[0]], np.float32)


def belongs(landmarks: Floats, box: Floats) -> bool:
    """Whether landmarks are of the face in a box: there may be other faces, or none found there."""
    x, y = landmarks[[33, 263, 61, 291], :2].mean(0)
    inside = box[0] < x < box[2] and box[1] < y < box[3]
    return bool(inside and 0.7 < float(np.ptp(landmarks[[10, 152], 1])) / (box[3] - box[1]) < 2.0)


def check_size(landmarks: Floats) -> None:
    """landmarks: (478, 3) in pixels of the photo."""
    height = float(np.ptp(landmarks[[10, 152], 1]))
    if height < _SMALLEST_FACE:
        raise PrepareError(
            Sentence(
                "face-small",
                f"the face is only {height:.0f} pixels high: {_SMALLEST_FACE} are needed, "
                "use a larger photo or come closer",
            )
        )


def check_face(framed: Framed, landmarks: Floats) -> list[str]:
    """Warnings about a face on the canvas; raises PrepareError where no good avatar is possible."""
    image = framed.image
    _check_whole(framed.known, landmarks)
    _check_pose(landmarks)
    warnings = _check_light(image, landmarks)
    _check_eyes(image, landmarks)
    return warnings + _check_mouth(image, landmarks)


def yaw_of(landmarks: Floats) -> float:
    """Degrees the head is turned, from the depth of the two sides of the face."""
    across = landmarks[454] - landmarks[234]
    eyes = landmarks[263] - landmarks[33]
    angles = [np.degrees(np.arctan2(v[2], v[0])) for v in (across, eyes)]
    return float(np.mean(angles))


def _check_whole(known: NDArray[np.bool_], landmarks: Floats) -> None:
    face = polygon(landmarks[list(OVAL), :2], known.shape[:2]) > 0.5
    if float((face & ~known).sum()) > _CUT_OFF * float(face.sum()):
        raise PrepareError(
            Sentence(
                "face-cut-off",
                "the face is cut off by the edge of the photo: use one that shows all of it",
            )
        )


def _check_pose(landmarks: Floats) -> None:
    yaw = yaw_of(landmarks)
    if abs(yaw) > _YAW:
        raise PrepareError(
            Sentence(
                "head-turned",
                f"the head is turned aside by {abs(yaw):.0f} degrees: look straight into the "
                "camera",
            )
        )
    down = landmarks[152] - landmarks[10]
    pitch = float(np.degrees(np.arctan2(down[2], down[1])))
    if abs(pitch) > _PITCH:
        way = "up" if pitch > 0 else "down"
        raise PrepareError(
            Sentence(
                "head-tilted",
                f"the head is tilted {way} by {abs(pitch):.0f} degrees: hold the camera at eye "
                "level",
            )
        )


def _face_part(image: NDArray[np.uint8], landmarks: Floats) -> NDArray[np.uint8]:
    x0, x1 = landmarks[[234, 454], 0].astype(int)
    y0, y1 = landmarks[[10, 152], 1].astype(int)
    return image[max(0, y0) : y1, max(0, x0) : x1]


def _check_light(image: NDArray[np.uint8], landmarks: Floats) -> list[str]:
    face = cv2.cvtColor(_face_part(image, landmarks), cv2.COLOR_BGR2GRAY).astype(np.uint8)
    light = float(np.median(face))
    if light < _DARK:
        raise PrepareError(
            Sentence("photo-dark", "the photo is too dark: take it with light on the face")
        )
    if light > _BRIGHT:
        raise PrepareError(
            Sentence(
                "photo-bright", "the face is overexposed: take the photo with less light on it"
            )
        )
    sharp = sharpness(face)
    if sharp < _BLURRED:
        raise PrepareError(
            Sentence(
                "photo-blurred", "the photo is blurred: hold the camera still and use a sharp one"
            )
        )
    return (
        [Sentence("photo-soft", "the photo is a little soft: a sharper one looks better")]
        if sharp < _SOFT
        else []
    )


def sharpness(face: NDArray[np.uint8]) -> float:
    """How strong the finest edges of a grey face are against its contrast, in percent.

    Looked at in the size of the smallest face that is taken: a large soft photo holds as much.
    """
    k = _SMALLEST_FACE * 1.2 / face.shape[0]
    own = cv2.resize(face, None, fx=k, fy=k, interpolation=cv2.INTER_AREA).astype(np.float32)
    contrast = max(8.0, float(np.ptp(np.percentile(own, (10, 90)))))
    edges = own - cv2.GaussianBlur(own, (0, 0), 1.2)
    return float(np.percentile(np.abs(edges), 97)) / contrast * 100


def openness(landmarks: Floats) -> tuple[float, float]:
    """How far the right and the left eye are open, in eye widths."""

    def of(outer: int, inner: int, tops: tuple[int, ...], lows: tuple[int, ...]) -> float:
        width = float(np.linalg.norm(landmarks[outer, :2] - landmarks[inner, :2]))
        gap = landmarks[list(lows), 1] - landmarks[list(tops), 1]
        return float(gap.mean()) / width

    right = of(33, 133, (160, 159, 158), (144, 145, 153))
    left = of(263, 362, (385, 386, 387), (380, 374, 373))
    return right, left


def _check_eyes(image: NDArray[np.uint8], landmarks: Floats) -> None:
    if min(openness(landmarks)) < _EYES_SHUT:
        raise PrepareError(
            Sentence("eyes-closed", "the eyes are closed: use a photo with both eyes open")
        )
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (0, 0), 2)
    spots = landmarks[list(_CHEEKS), :2].astype(int)
    skin = float(grey[spots[:, 1], spots[:, 0]].mean())
    whites = [
        float(np.percentile(grey[polygon(landmarks[list(lids), :2], grey.shape[:2]) > 0.9], 90))
        for lids in EYES
    ]
    if max(whites) < _HIDDEN_EYES * skin:
        raise PrepareError(
            Sentence("eyes-hidden", "the eyes cannot be seen: take dark glasses off")
        )


def _check_mouth(image: NDArray[np.uint8], landmarks: Floats) -> list[str]:
    if _covered(image, landmarks):
        raise PrepareError(
            Sentence(
                "mouth-covered",
                "the mouth is covered: use a photo without a hand, mask or cup before the face",
            )
        )
    gap = gap_of(landmarks)
    if gap > _WIDE_MOUTH:
        raise PrepareError(
            Sentence("mouth-open", "the mouth is wide open: use a photo with a relaxed face")
        )
    if gap > _WIDE_SMILE:
        return [
            Sentence(
                "smile-wide",
                "the smile is wide and had to be closed by drawing: a calm face works better",
            )
        ]
    return []


def _covered(image: NDArray[np.uint8], landmarks: Floats) -> bool:
    """Whether there are no lips where they should be: no relief, or the colour of something else
    that covers chin and upper lip too. A beard is no cover, lips show in it."""
    soft = cv2.GaussianBlur(image, (0, 0), 3).astype(np.float32) / 255
    lab = cv2.cvtColor(soft, cv2.COLOR_BGR2Lab)

    def tone(numbers: tuple[int, ...]) -> NDArray[np.float32]:
        spots = landmarks[list(numbers), :2].astype(int)
        return np.asarray(lab[spots[:, 1], spots[:, 0]].mean(0), np.float32)

    cheeks, chin, above, lips = (tone(n) for n in (_CHEEKS, _CHIN, _ABOVE_LIP, _LIPS))
    middle = (landmarks[list(INNER_UPPER), :2] + landmarks[list(INNER_LOWER), :2]) / 2
    width = float(np.linalg.norm(landmarks[61, :2] - landmarks[291, :2]))
    offsets = np.linspace(-0.25, 0.30, 48) * width
    rows = (middle[2:-2, 1, None] + offsets).astype(int)
    columns = middle[2:-2, 0, None].astype(int)
    relief = float(np.ptp(lab[rows, columns, 0].mean(0)))
    if relief < _FLAT_LIPS * float(cheeks[0]):
        return True
    around = (chin + above) / 2
    strange = float(np.linalg.norm(chin - cheeks)) > _STRANGE_CHIN
    return strange and float(np.linalg.norm(lips - around)) < 3.0
