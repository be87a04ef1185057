"""The face of a video as a sequence of square crops: follow one face, smooth its box, cut it out.

How a frame is looked at, and what becomes of what was seen, is the same where several faces are followed
(:mod:`mdhr.data.faces.tracking`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mdhr.data.faces.cropping import FILL, CropBox, crop_box, cut, fill_gaps, smooth
from mdhr.data.faces.detection import Detector, FaceDetector
from mdhr.data.video.frame_source import DownscaledFrame, FrameSource, VideoFile
from mdhr.errors import InputError

SMOOTHING = 0.2
"""Standard deviation in seconds; faces move slower, the detector's jitter is faster."""
STEEPEST = 40.0
"""Degrees; beyond that a tilt is the detector's mistake."""


class Detection(NamedTuple):
    """A face in one frame of a video."""

    crop: CropBox
    box: tuple[float, float, float, float]
    """x, y of the upper left corner, width, height in source pixels: forehead to chin, not turned."""
    confidence: float
    """0 to 1; NaN if the detector says none."""

    @property
    def values(self) -> tuple[float, ...]:
        """``SIGHTING_VALUES`` numbers."""
        return (*self.crop, *self.box, self.confidence)


SIGHTING_VALUES = 9


@dataclass(frozen=True)
class FaceTrack:
    """Where a face is in F consecutive frames of a video."""

    first: int
    """Position of its first frame in the video."""
    time: np.ndarray
    """``(F,)`` seconds."""
    face_found: np.ndarray
    """``(F,)`` boolean; where it is false the nearest box in time stands in."""
    crop: np.ndarray
    """``(F, 4)`` crop boxes, smoothed: x, y, size in source pixels, roll in degrees."""
    detected: np.ndarray
    """``(F, 4)`` the same before smoothing."""
    box: np.ndarray
    """``(F, 4)`` the face itself, smoothed: x, y of the upper left corner, width, height."""
    confidence: np.ndarray
    """``(F,)`` of the detector, 0 to 1; NaN where no face was found, or the detector says none."""

    @classmethod
    def from_values(cls, first: int, time: np.ndarray, values: np.ndarray, *, sigma: float) -> "FaceTrack":
        """Of ``(F, 9)`` values of sightings, NaN where the face was not seen; smoothed over ``sigma`` frames."""
        seen = ~np.isnan(values[:, 0])
        filled, found = fill_gaps([row if known else None for row, known in zip(values[:, :8], seen, strict=True)])
        crop, box = filled[:, :4], filled[:, 4:]
        return cls(first, time, found, smooth(crop, sigma=sigma), crop, smooth(box, sigma=sigma), values[:, 8])


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
    times, values = [], []
    last: Detection | None = None
    for glance in source.glances(detector.longest_side):
        seen = _nearest(look(detector, glance, last.crop.roll if last else 0.0, fill), last)
        times.append(glance.time)
        values.append(seen.values if seen else (np.nan,) * SIGHTING_VALUES)
        last = seen or last
        progress(1)
    if last is None:
        raise InputError(f"no face found in any of the {len(times)} frames of {source.name}")
    time = np.array(times)
    return FaceTrack.from_values(0, time, np.array(values), sigma=smoothing * frame_rate(time))


def frame_rate(time: np.ndarray) -> float:
    """Frames a second on average; 1 where there is but one frame."""
    return (len(time) - 1) / (time[-1] - time[0]) if len(time) > 1 else 1.0


def cut_faces(source: FrameSource, track: FaceTrack, *, size: int) -> Iterator[np.ndarray]:
    """Yield ``(size, size, 3)`` uint8 RGB for every frame of the track, which is as long as the video."""
    for (_, frame), box in zip(source.frames(), track.crop, strict=True):
        yield cut(frame, box, size)


def crop_faces(
    path: str | Path, *, size: int, fill: float = FILL, fps: float | None = None
) -> tuple[np.ndarray, FaceTrack]:
    """All crops of a video at once, ``(F, size, size, 3)`` uint8 RGB, and where they were cut; see the two above."""
    source = VideoFile(path, fps=fps)
    track = track_face(source, fill=fill)
    return np.stack(list(cut_faces(source, track, size=size))), track


def look(detector: Detector, glance: DownscaledFrame, roll: float, fill: float) -> list[Detection]:
    """Faces of a frame, the largest first.

    It is looked at turned by ``roll`` degrees, as upright as a face was: the detector sees only half of a tilt.
    """
    frame = glance.image
    middle = ((frame.shape[1] - 1) / 2, (frame.shape[0] - 1) / 2)
    turn = cv2.getRotationMatrix2D(middle, roll, 1.0)
    upright = cv2.warpAffine(frame, turn, frame.shape[1::-1], borderMode=cv2.BORDER_REPLICATE) if roll else frame

    def in_source(x: float, y: float) -> tuple[float, float]:
        """Turned back, and in pixels of the source."""
        x, y = (np.linalg.solve(turn[:, :2], np.array([x, y]) - turn[:, 2]) + 0.5) * glance.scale - 0.5
        return float(x), float(y)

    seen = []
    for face in detector(upright):
        box = crop_box(face, fill=fill)
        steep = float(np.clip(roll + box.roll, -STEEPEST, STEEPEST))
        crop = CropBox(*in_source(box.x, box.y), float(box.size * glance.scale), steep)
        width, height = (float(side) for side in face.box[2:] * glance.scale)
        x, y = in_source(*(face.box[:2] + face.box[2:] / 2))
        seen.append(Detection(crop, (x - width / 2, y - height / 2, width, height), float(face.confidence)))
    return seen


def _nearest(seen: list[Detection], last: Detection | None) -> Detection | None:
    """The face nearest to where it was last, at first the largest."""
    if last is None or not seen:
        return seen[0] if seen else None
    return min(seen, key=lambda each: np.hypot(each.crop.x - last.crop.x, each.crop.y - last.crop.y))
