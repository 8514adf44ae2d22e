"""Finds faces, landmarks and the person in one picture. Runs in an environment of its own, as a
child: `python detect.py IN.npy OUT.npz`. Or follows one face through a film on standard input:
`python detect.py HEIGHT WIDTH OUT.npy`.

MediaPipe 0.10.21 wants numpy 1, jax, OpenCV-contrib and matplotlib; of these only numpy is used
here, so the others are stand-ins that nothing calls. Imports nothing of this project and reads no
picture formats: what it gets is an array that was already checked.
"""

import sys
import types
from typing import Any

_UNUSED = ("matplotlib", "matplotlib.pyplot", "cv2")
_JITTER = ((0.0, 0.0, 1.0), (0.012, 0.008, 1.0), (-0.012, 0.008, 0.97), (0.0, -0.014, 1.04))


def main(argv: list[str]) -> int:
    """IN: (h, w, 3) uint8 RGB. OUT: `faces` (n, 4) x0 y0 x1 y1, `person` (h, w) 0..1 and, when a
    face could be read, `landmarks` (478, 3) in pixels (z in pixels of x, smaller is nearer)."""
    import numpy as np

    if len(argv) == 3:
        return _follow(int(argv[0]), int(argv[1]), argv[2])
    picture = np.load(argv[0], allow_pickle=False)
    solutions = _solutions()
    found = {"faces": _faces(solutions, picture), "person": _person(solutions, picture)}
    landmarks = _landmarks(solutions, picture)
    if landmarks is not None:
        found["landmarks"] = landmarks
    np.savez(argv[1], **found)
    return 0


def _follow(height: int, width: int, out: str) -> int:
    """Standard input: (height, width, 3) uint8 RGB, one after the other. out: (n, 478, 3) as the
    landmarks of one picture, not a number where no face was seen."""
    import numpy as np

    seen = []
    with _solutions().face_mesh.FaceMesh(
        refine_landmarks=True, max_num_faces=1, min_detection_confidence=0.4
    ) as mesh:
        while len(data := sys.stdin.buffer.read(height * width * 3)) == height * width * 3:
            picture = np.frombuffer(data, np.uint8).reshape(height, width, 3)
            faces = mesh.process(picture).multi_face_landmarks
            points = np.full((478, 3), np.nan, np.float32)
            if faces:
                scale = width, height, width
                points[:] = [(m.x, m.y, m.z) for m in faces[0].landmark]
                points *= scale
            seen.append(points)
    np.save(out, np.array(seen, np.float32).reshape(-1, 478, 3))
    return 0


def _solutions() -> Any:
    for name in _UNUSED:
        sys.modules[name] = types.ModuleType(name)
    vars(sys.modules["matplotlib"])["pyplot"] = sys.modules["matplotlib.pyplot"]
    from mediapipe import solutions

    return solutions


def _faces(solutions: Any, picture: Any) -> Any:
    """Boxes of both detectors (near and far faces), the better score first, overlaps dropped."""
    import numpy as np

    h, w = picture.shape[:2]
    found = []
    for model in (1, 0):
        kind = solutions.face_detection.FaceDetection
        with kind(model_selection=model, min_detection_confidence=0.4) as detector:
            for face in detector.process(picture).detections or ():
                b = face.location_data.relative_bounding_box
                box = (b.xmin * w, b.ymin * h, (b.xmin + b.width) * w, (b.ymin + b.height) * h)
                found.append((float(face.score[0]), box))
    kept: list[tuple[float, ...]] = []
    for _, box in sorted(found, reverse=True):
        if all(_overlap(box, other) < 0.25 for other in kept):
            kept.append(box)
    return np.array(kept, np.float32).reshape(-1, 4)


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Share of the smaller box that the other covers."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))


def _landmarks(solutions: Any, picture: Any) -> Any:
    """The mean over a few slightly moved copies: one look is off by a pixel or two."""
    import numpy as np

    h, w = picture.shape[:2]
    seen = []
    kind = solutions.face_mesh.FaceMesh
    with kind(
        static_image_mode=True, refine_landmarks=True, max_num_faces=1, min_detection_confidence=0.3
    ) as mesh:
        for dx, dy, zoom in _JITTER:
            xs = np.clip(((np.arange(w) - w / 2) / zoom + w / 2 + dx * w).astype(int), 0, w - 1)
            ys = np.clip(((np.arange(h) - h / 2) / zoom + h / 2 + dy * h).astype(int), 0, h - 1)
            faces = mesh.process(np.ascontiguousarray(picture[ys][:, xs])).multi_face_landmarks
            if not faces:
                continue
            p = np.array([(m.x * w, m.y * h, m.z * w) for m in faces[0].landmark])
            p[:, 0] = (p[:, 0] - w / 2) / zoom + w / 2 + dx * w
            p[:, 1] = (p[:, 1] - h / 2) / zoom + h / 2 + dy * h
            p[:, 2] /= zoom
            seen.append(p)
    return np.mean(seen, axis=0).astype(np.float32) if seen else None


def _person(solutions: Any, picture: Any) -> Any:
    with solutions.selfie_segmentation.SelfieSegmentation(model_selection=0) as matte:
        return matte.process(picture).segmentation_mask.astype("float32")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
