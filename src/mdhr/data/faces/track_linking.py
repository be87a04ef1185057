"""Assignment of the detections of a frame to face tracks.

Pairs of a track and a detection are assigned greedily, the smallest distance in position and size first. Pairs beyond a
gate are never assigned. The gate grows with the time since the last detection of the track.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import hypot, isnan, log

import numpy as np

from mdhr.data.faces.detection import Detector
from mdhr.data.faces.upright_detection import NUM_VALUES, FaceDetection, detect_faces
from mdhr.data.video.frame import DownscaledFrame

GATE, GATE_GROWTH = 0.5, 1.0
"""Largest distance between a track and its next detection, in crop sizes, and its growth per second without a
detection. It grows for at most one second."""
MAX_SIZE_RATIO = 1.8
"""Largest ratio between the sizes of two detections of one face."""
DUPLICATE_DISTANCE = 0.35
"""Detections of one frame closer than this, in crop sizes, are duplicates of one face."""
ROLL_TOLERANCE = 5.0
"""Faces whose rolls differ by at most this many degrees share one detector call."""


@dataclass(eq=False)
class OpenTrack:
    """Track that further frames may extend."""

    first: int
    """Index of the first frame in the video."""
    last: FaceDetection
    """Most recent detection."""
    last_time: float
    """Time stamp of the most recent detection in seconds."""
    values: array = field(default_factory=lambda: array("d"))
    """``NUM_VALUES`` numbers per frame since the first; NaN for frames without a detection."""
    length: int = 0
    """Number of frames from the first to the most recent detection."""
    num_detections: int = 0

    def add_frame(self, time: float, detection: FaceDetection | None) -> None:
        """Append the next frame of the video."""
        self.values.extend(detection.values if detection else (np.nan,) * NUM_VALUES)
        if detection is not None:
            self.last, self.last_time = detection, time
            self.length = len(self.values) // NUM_VALUES
            self.num_detections += 1

    def distance(self, detection: FaceDetection, time: float) -> float | None:
        """Return the distance in position and size to a detection, or None beyond the gate."""
        position, size = _distance(detection, self.last), abs(log(detection.crop.size / self.last.crop.size))
        gate = GATE + GATE_GROWTH * min(time - self.last_time, 1.0)
        return position + size if position <= gate and size <= log(MAX_SIZE_RATIO) else None

    def detections(self, first: int = 0, end: int | None = None) -> np.ndarray:
        """Return ``(end - first, NUM_VALUES)`` values, by default up to the most recent detection."""
        end = self.length if end is None else end
        return np.array(self.values[first * NUM_VALUES : end * NUM_VALUES]).reshape(-1, NUM_VALUES)

    def is_detected(self, position: int) -> bool:
        """Return whether the face was detected at a position of the track."""
        return not isnan(self.values[position * NUM_VALUES])


class FrameLinker:
    """Detects faces and assigns them to the open tracks of one video, frame by frame.

    Args:
        fill: share of the crop's height from brow to chin.
    """

    def __init__(self, *, detector: Detector, fill: float) -> None:
        self.detector = detector
        self.fill = fill

    def link(
        self, tracks: list[OpenTrack], frame: DownscaledFrame
    ) -> tuple[dict[OpenTrack, FaceDetection], list[FaceDetection]]:
        """Return the detections of the next frame that are assigned to open tracks, and the remaining ones."""
        rolls = _group_by_roll(tracks)
        detections = detect_faces(self.detector, frame, roll=next(iter(rolls), 0.0), fill=self.fill)
        assigned = _assign(tracks, detections, frame.time)
        for roll, tilted in list(rolls.items())[1:]:
            others = [assigned[track] for track in assigned if track not in tilted]
            upright = detect_faces(self.detector, frame, roll=roll, fill=self.fill)
            candidates = [detection for detection in upright if not _is_duplicate(detection, others)]
            assigned |= _assign(tilted, candidates, frame.time)
        unassigned: list[FaceDetection] = []
        for detection in detections:
            if not _is_duplicate(detection, [*assigned.values(), *unassigned]):
                unassigned.append(detection)
        return assigned, unassigned


def _group_by_roll(tracks: list[OpenTrack]) -> dict[float, list[OpenTrack]]:
    """Return the tracks that share a detector call by its roll in degrees, the largest face first."""
    groups: dict[float, list[OpenTrack]] = {}
    for track in sorted(tracks, key=lambda track: -track.last.crop.size):
        roll = track.last.crop.roll
        shared = next((other for other in groups if abs(other - roll) <= ROLL_TOLERANCE), roll)
        groups.setdefault(shared, []).append(track)
    return groups


def _assign(tracks: list[OpenTrack], detections: list[FaceDetection], time: float) -> dict[OpenTrack, FaceDetection]:
    """Return a one-to-one assignment, smallest distance first."""
    distances = ((track.distance(each, time), track, i) for track in tracks for i, each in enumerate(detections))
    pairs = sorted(((far, track, i) for far, track, i in distances if far is not None), key=lambda pair: pair[0])
    assigned: dict[OpenTrack, FaceDetection] = {}
    used: set[int] = set()
    for _, track, i in pairs:
        if track not in assigned and i not in used:
            assigned[track] = detections[i]
            used.add(i)
    return assigned


def _is_duplicate(detection: FaceDetection, others: Iterable[FaceDetection]) -> bool:
    return any(_distance(detection, other) < DUPLICATE_DISTANCE for other in others)


def _distance(detection: FaceDetection, other: FaceDetection) -> float:
    """Return the distance of two crop centers in crop sizes of ``other``."""
    return hypot(detection.crop.x - other.crop.x, detection.crop.y - other.crop.y) / other.crop.size
