"""The face of a video as a sequence of square crops: follow one face, smooth its box, cut it out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mdhr.data.face import Face, FaceDetector
from mdhr.data.face_crop import FILL, CropBox, crop_box, cut, smooth
from mdhr.data.video import read_video
from mdhr.errors import InputError

SMOOTHING = 0.2
"""Standard deviation in seconds; faces move slower, the detector's jitter is faster."""
STEEPEST = 40.0
"""Degrees; beyond that a tilt is the detector's mistake."""


@dataclass(frozen=True)
class FaceTrack:
    """Where the face is in F frames of a video."""

    time: np.ndarray
    """``(F,)`` seconds."""
    face_found: np.ndarray
    """``(F,)`` boolean; where it is false the nearest box in time stands in."""
    crop: np.ndarray
    """``(F, 4)`` crop boxes: x, y, size in source pixels, roll in degrees."""


def track_face(
    path: str | Path,
    *,
    fill: float = FILL,
    fps: float | None = None,
    smoothing: float = SMOOTHING,
    detector: Callable[[np.ndarray], list[Face]] | None = None,
) -> FaceTrack:
    """Follow the largest face of a video; where there are several, the one nearest to where it was.

    Parameters
    ----------
    fill: share of the crop's height from brow to chin; fps: frames a second to keep, None for all;
    smoothing: seconds.

    Raises ``InputError`` that names the file if it cannot be read or no face is found in any frame.
    """
    detector = detector or FaceDetector()
    times, boxes = [], []
    last: CropBox | None = None
    for time, frame in read_video(path, fps=fps):
        box = _follow(detector, frame, last, fill)
        times.append(time)
        boxes.append(box)
        last = box or last
    if last is None:
        raise InputError(f"no face found in any of the {len(times)} frames of {path}")
    rate = (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 1.0
    crop, found = smooth(boxes, sigma=smoothing * rate)
    return FaceTrack(time=np.array(times), face_found=found, crop=crop)


def cut_faces(path: str | Path, track: FaceTrack, *, size: int, fps: float | None = None) -> Iterator[np.ndarray]:
    """Yield ``(size, size, 3)`` uint8 RGB for every frame of the track; ``fps`` as it was tracked with."""
    for (_, frame), box in zip(read_video(path, fps=fps), track.crop, strict=True):
        yield cut(frame, box, size)


def crop_faces(
    path: str | Path, *, size: int, fill: float = FILL, fps: float | None = None
) -> tuple[np.ndarray, FaceTrack]:
    """All crops of a video at once, ``(F, size, size, 3)`` uint8 RGB, and where they were cut; see the two above."""
    track = track_face(path, fill=fill, fps=fps)
    return np.stack(list(cut_faces(path, track, size=size, fps=fps))), track


def _follow(
    detector: Callable[[np.ndarray], list[Face]], frame: np.ndarray, last: CropBox | None, fill: float
) -> CropBox | None:
    """Look at the frame turned as upright as the last face was: the detector sees only half of a tilt."""
    middle = ((frame.shape[1] - 1) / 2, (frame.shape[0] - 1) / 2)
    roll = last.roll if last else 0.0
    turn = cv2.getRotationMatrix2D(middle, roll, 1.0)
    upright = cv2.warpAffine(frame, turn, frame.shape[1::-1], borderMode=cv2.BORDER_REPLICATE) if roll else frame
    found = [_turned_back(crop_box(face, fill=fill), turn, roll) for face in detector(upright)]
    if last is None or not found:
        return found[0] if found else None
    return min(found, key=lambda box: np.hypot(box.x - last.x, box.y - last.y))


def _turned_back(box: CropBox, turn: np.ndarray, roll: float) -> CropBox:
    x, y = np.linalg.solve(turn[:, :2], np.array([box.x, box.y]) - turn[:, 2])
    return CropBox(float(x), float(y), box.size, float(np.clip(roll + box.roll, -STEEPEST, STEEPEST)))
