"""Finds the face mesh in many pictures. Runs in the detector's environment, as a child:
`python redetect.py WIDTH HEIGHT OUT.npy [--film]`, RGB frames on standard input.

With --film each face is looked for near the last one, as a viewer's eye does; without, every
picture is new. Imports nothing of this project; OUT is (n, 478, 3) in pixels, NaN where no face is.
"""

import sys
import types
from typing import Any

_UNUSED = ("matplotlib", "matplotlib.pyplot", "cv2")
_POINTS = 478


def main(argv: list[str]) -> int:
    """0 when OUT is written."""
    import numpy as np

    width, height = int(argv[0]), int(argv[1])
    found = []
    with _face_mesh(film="--film" in argv) as mesh:
        while len(raw := sys.stdin.buffer.read(width * height * 3)) == width * height * 3:
            picture = np.frombuffer(raw, np.uint8).reshape(height, width, 3)
            faces = mesh.process(picture).multi_face_landmarks
            points = np.full((_POINTS, 3), np.nan, np.float32)
            if faces:
                for i, mark in enumerate(faces[0].landmark):
                    points[i] = mark.x * width, mark.y * height, mark.z * width
            found.append(points)
    np.save(argv[2], np.array(found, np.float32).reshape(-1, _POINTS, 3))
    return 0


def _face_mesh(*, film: bool) -> Any:
    for name in _UNUSED:  # MediaPipe imports them and calls nothing of them here
        sys.modules[name] = types.ModuleType(name)
    sys.modules["matplotlib"].pyplot = sys.modules["matplotlib.pyplot"]  # type: ignore[attr-defined]
    from mediapipe import solutions

    return solutions.face_mesh.FaceMesh(
        static_image_mode=not film,
        refine_landmarks=True,
        max_num_faces=1,
        min_detection_confidence=0.3,
        min_tracking_confidence=0.3,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
