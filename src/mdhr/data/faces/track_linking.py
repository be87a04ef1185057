"""Assignment of the detections of a frame to face tracks.

Pairs of a track and a detection are assigned greedily, the smallest distance in position and size first. Pairs beyond a
gate are never assigned. The gate grows with the time since the last detection of the track. The colors of the faces must
agree as well if another face is close, the track has a gap, or the frame changes abruptly: people who cross may start a
new track, but do not exchange tracks. A hard cut ends all tracks.

Faces are searched upright first. Where that finds none, or a new face with low confidence, the frame is also searched
for faces that lie or are upside down.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import hypot, inf, isnan, log

import numpy as np

from mdhr.data.faces.appearance import histogram_distance
from mdhr.data.faces.cut_detector import CUT, CutDetector
from mdhr.data.faces.detection import Detector
from mdhr.data.faces.upright_detection import NUM_VALUES, FaceDetection, detect_faces, turned_center, upright_transform
from mdhr.data.video.frame import DownscaledFrame

GATE, GATE_GROWTH = 0.5, 1.0
"""Largest distance between a track and its next detection, in crop sizes, and its growth per second without a
detection. It grows for at most one second."""
MAX_SIZE_RATIO = 1.8
"""Largest ratio between the sizes of two detections of one face."""
MAX_TURN = 45.0
"""Largest difference in roll between two detections of one face in degrees. Lying faces also resemble upright ones."""
MAX_COLOR_DISTANCE = 0.55
"""Largest distance between the color histograms of one face, see :mod:`mdhr.data.faces.appearance`."""
COLOR_UPDATE = 0.05
"""Weight of a new detection in the mean histogram of a track."""
CLOSE = 1.5
"""Faces closer than this, in crop sizes, may be confused."""
DUPLICATE_DISTANCE = 0.35
"""Detections of one frame closer than this, in crop sizes, are duplicates of one face."""
TURNED_DISTANCE = 0.7
"""The same for detections of different roll, whose centers agree less."""
ROLL_TOLERANCE = 5.0
"""Faces whose rolls differ by at most this many degrees share one detector call."""
CONFIDENT = 0.9
"""New faces with less confidence are compared with those in the turned frame, because YuNet also detects many
upside-down faces as upright ones. Upright faces of the real clip have 0.87 to 0.94."""
UPRIGHT = 20.0
"""Largest roll in degrees with which an upright search finds a face reliably."""
SEARCH_INTERVAL = 1.0
"""Seconds between searches of the turned frame while no upright face is found."""


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
    ended: bool = False
    """Whether a cut has ended the track. No further detection is assigned to it."""
    colors: np.ndarray | None = None
    """Mean color histogram of the face."""

    def add_frame(self, time: float, detection: FaceDetection | None) -> None:
        """Append the next frame of the video."""
        self.values.extend(detection.values if detection else (np.nan,) * NUM_VALUES)
        if detection is not None:
            self.last, self.last_time = detection, time
            self.length = len(self.values) // NUM_VALUES
            self.num_detections += 1
            colors = detection.appearance if self.colors is None else self.colors
            self.colors = (1 - COLOR_UPDATE) * colors + COLOR_UPDATE * detection.appearance

    @property
    def has_gap(self) -> bool:
        """Whether the face was not detected in the previous frame."""
        return self.length * NUM_VALUES < len(self.values)

    def distance(self, detection: FaceDetection, time: float, *, compare_colors: bool) -> float:
        """Return the distance in position, size and colors to a detection, infinite beyond a gate."""
        position, size = _distance(detection, self.last), abs(log(detection.crop.size / self.last.crop.size))
        gate = GATE + GATE_GROWTH * min(time - self.last_time, 1.0)
        turn = abs(detection.crop.roll - self.last.crop.roll)
        if position > gate or size > log(MAX_SIZE_RATIO) or turn > MAX_TURN:
            return inf
        if self.colors is None or not (compare_colors or self.has_gap):
            return position + size
        colors = histogram_distance(self.colors, detection.appearance)
        return position + size + colors if colors <= MAX_COLOR_DISTANCE else inf

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
        self._change = CutDetector()
        self._next_search = -inf

    def link(
        self, tracks: list[OpenTrack], frame: DownscaledFrame
    ) -> tuple[dict[OpenTrack, FaceDetection], list[FaceDetection]]:
        """Return the detections of the next frame that are assigned to open tracks, and the remaining ones.

        Sets ``ended`` of all tracks if the frame is the first one of a shot.
        """
        change = self._change(frame.image)
        if change >= CUT:
            self._next_search = -inf
            for track in tracks:
                track.ended = True
        tracks = [track for track in tracks if not track.ended]
        groups = _group_by_roll(tracks, frame)
        first_roll, first_group = groups[0] if groups else (0.0, [])
        detections = self._detect(frame, first_roll, first_group)
        assigned = _assign(tracks, detections, frame.time, compare_colors=change > 0)
        for roll, tilted in groups[1:]:
            others = [assigned[track] for track in assigned if track not in tilted]
            upright = self._detect(frame, roll, tilted)
            upright = _without_duplicates(upright, others)
            assigned |= _assign(tilted, upright, frame.time, compare_colors=change > 0)
        turned = [track.last for track in tracks if abs(track.last.crop.roll - first_roll) > MAX_TURN]
        new = _without_duplicates(detections, [*assigned.values(), *turned])
        return assigned, self._search_turned(frame, first_roll, assigned.values(), new)

    def _detect(self, frame: DownscaledFrame, roll: float, tracks: Iterable[OpenTrack] = ()) -> list[FaceDetection]:
        face = next((track.last.crop for track in tracks), None)
        return detect_faces(self.detector, frame, roll=roll, fill=self.fill, face=face)

    def _search_turned(
        self, frame: DownscaledFrame, roll: float, known: Iterable[FaceDetection], new: list[FaceDetection]
    ) -> list[FaceDetection]:
        """Return the new faces, with those that a search of the turned frame finds with more confidence.

        Args:
            roll: roll in degrees that the search for the new faces has compensated.
        """
        doubtful = [detection for detection in new if detection.confidence < CONFIDENT]
        upright = any(abs(detection.crop.roll) <= UPRIGHT for detection in (*known, *new))
        if not doubtful and (upright or frame.time < self._next_search):
            return new
        self._next_search = frame.time + SEARCH_INTERVAL
        turns = (0.0, 90.0, 180.0, -90.0) if doubtful or not known else (0.0,)
        found = [each for turn in turns if abs(turn - roll) > UPRIGHT for each in self._detect(frame, turn)]
        ranked = sorted([*new, *found], key=lambda detection: -detection.confidence)
        return _without_duplicates(ranked, known)


def _group_by_roll(tracks: list[OpenTrack], frame: DownscaledFrame) -> list[tuple[float, list[OpenTrack]]]:
    """Return the tracks that share a detector call with its roll in degrees, the largest face first.

    A track shares the call of another one if the rotation for that one keeps its face in view.
    """
    groups: list[tuple[float, list[OpenTrack]]] = []
    for track in sorted(tracks, key=lambda track: -track.last.crop.size):
        for roll, others in groups:
            if abs(roll - track.last.crop.roll) <= ROLL_TOLERANCE and _in_view(track, frame, roll, others[0]):
                others.append(track)
                break
        else:
            groups.append((track.last.crop.roll, [track]))
    return groups


def _in_view(track: OpenTrack, frame: DownscaledFrame, roll: float, first: OpenTrack) -> bool:
    transform, size = upright_transform(frame, roll=roll, face=first.last.crop)
    turned = turned_center(frame, transform, track.last.crop)
    margin = track.last.crop.size / frame.scale / 4
    return abs(roll) <= ROLL_TOLERANCE or bool((turned > margin).all() and (turned < np.array(size) - margin).all())


def _assign(
    tracks: list[OpenTrack], detections: list[FaceDetection], time: float, *, compare_colors: bool
) -> dict[OpenTrack, FaceDetection]:
    """Return a one-to-one assignment, smallest distance first.

    Args:
        compare_colors: compare the colors of all faces, not only of those close to each other or after a gap.
    """
    pairs = []
    for track in tracks:
        others = [*(each.last for each in tracks if each is not track), *detections]
        for i, detection in enumerate(detections):
            is_contested = any(_distance(each, detection) < CLOSE for each in others if each is not detection)
            far = track.distance(detection, time, compare_colors=compare_colors or is_contested)
            if far < inf:
                pairs.append((far, track, i))
    assigned: dict[OpenTrack, FaceDetection] = {}
    used: set[int] = set()
    for _, track, i in sorted(pairs, key=lambda pair: pair[0]):
        if track not in assigned and i not in used:
            assigned[track] = detections[i]
            used.add(i)
    return assigned


def _without_duplicates(detections: Iterable[FaceDetection], known: Iterable[FaceDetection]) -> list[FaceDetection]:
    """Return the detections that are not duplicates of known faces or of earlier ones."""
    known, kept = list(known), list[FaceDetection]()
    for detection in detections:
        if not any(_is_duplicate(detection, other) for other in [*known, *kept]):
            kept.append(detection)
    return kept


def _is_duplicate(detection: FaceDetection, other: FaceDetection) -> bool:
    is_turned = abs(detection.crop.roll - other.crop.roll) > MAX_TURN
    return _distance(detection, other) < (TURNED_DISTANCE if is_turned else DUPLICATE_DISTANCE)


def _distance(detection: FaceDetection, other: FaceDetection) -> float:
    """Return the distance of two crop centers in crop sizes of ``other``."""
    return hypot(detection.crop.x - other.crop.x, detection.crop.y - other.crop.y) / other.crop.size
