"""The face of a video as a sequence of square crops: follow one face, smooth its box, cut it out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mdhr.data.face import Detector, FaceDetector
from mdhr.data.face_crop import FILL, CropBox, crop_box, cut, fill_gaps, smooth
from mdhr.data.frame_source import FrameSource, Glance, VideoFile
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
    """``(F, 4)`` crop boxes, smoothed: x, y, size in source pixels, roll in degrees."""
    detected: np.ndarray
    """``(F, 4)`` the same before smoothing."""


def track_face(
    source: FrameSource,
    *,
    detector: Detector | None = None,
    fill: float = FILL,
    smoothing: float = SMOOTHING,
    progress: Callable[[int], object] = lambda _: None,
) -> FaceTrack:
    """Follow the largest face of a video; where there are several, the one nearest to where it was.

    Parameters
    ----------
    fill: share of the crop's height from brow to chin; smoothing: seconds; progress: is told of every frame.

    Raises ``InputError`` that names the source if it cannot be read or no face is found in any frame.
    """
    detector = detector or FaceDetector()
    times, boxes = [], []
    last: CropBox | None = None
    for glance in source.glances(detector.longest_side):
        box = _follow(detector, glance, last, fill)
        times.append(glance.time)
        boxes.append(box)
        last = box or last
        progress(1)
    if last is None:
        raise InputError(f"no face found in any of the {len(times)} frames of {source.name}")
    rate = (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 1.0
    detected, found = fill_gaps(boxes)
    return FaceTrack(np.array(times), found, smooth(detected, sigma=smoothing * rate), detected)


def cut_faces(source: FrameSource, track: FaceTrack, *, size: int) -> Iterator[np.ndarray]:
    """Yield ``(size, size, 3)`` uint8 RGB for every frame of the track."""
    for (_, frame), box in zip(source.frames(), track.crop, strict=True):
        yield cut(frame, box, size)


def crop_faces(
    path: str | Path, *, size: int, fill: float = FILL, fps: float | None = None
) -> tuple[np.ndarray, FaceTrack]:
    """All crops of a video at once, ``(F, size, size, 3)`` uint8 RGB, and where they were cut; see the two above."""
    source = VideoFile(path, fps=fps)
    track = track_face(source, fill=fill)
    return np.stack(list(cut_faces(source, track, size=size))), track


def _follow(detector: Detector, glance: Glance, last: CropBox | None, fill: float) -> CropBox | None:
    """Look at the frame turned as upright as the last face was: the detector sees only half of a tilt."""
    frame = glance.image
    middle = ((frame.shape[1] - 1) / 2, (frame.shape[0] - 1) / 2)
    roll = last.roll if last else 0.0
    turn = cv2.getRotationMatrix2D(middle, roll, 1.0)
    upright = cv2.warpAffine(frame, turn, frame.shape[1::-1], borderMode=cv2.BORDER_REPLICATE) if roll else frame
    found = [_in_source(crop_box(face, fill=fill), turn, roll, glance.scale) for face in detector(upright)]
    if last is None or not found:
        return found[0] if found else None
    return min(found, key=lambda box: np.hypot(box.x - last.x, box.y - last.y))


def _in_source(box: CropBox, turn: np.ndarray, roll: float, scale: float) -> CropBox:
    """Turned back, and in pixels of the source."""
    x, y = (np.linalg.solve(turn[:, :2], np.array([box.x, box.y]) - turn[:, 2]) + 0.5) * scale - 0.5
    return CropBox(float(x), float(y), box.size * scale, float(np.clip(roll + box.roll, -STEEPEST, STEEPEST)))
