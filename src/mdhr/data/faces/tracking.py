"""Everybody in a video: every face gets a track of its own.

Frame by frame, what the detector sees is linked to the tracks that are open: the nearest in place and size first,
within a gate that widens with the time since the face was last seen. What is near no open track begins one. Of a frame
only a few numbers are kept, so that a long video needs no more memory than a short one.
"""

from array import array
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from math import hypot, log

import numpy as np

from mdhr.data.faces.cropping import FILL
from mdhr.data.faces.detection import Detector
from mdhr.data.faces.single_face import SIGHTING_VALUES, SMOOTHING, Detection, FaceTrack, frame_rate, look
from mdhr.data.video.frame_source import DownscaledFrame, FrameSource
from mdhr.data.video.prefetch import ahead

LOST = 1.0
"""Seconds; a face that stays away for longer begins another track."""
SHORTEST = 0.2
"""Seconds; what is seen for less in all was a false alarm."""
NEAR, FASTEST = 0.5, 1.0
"""The gate in sizes of the crop: of a face seen just now, and what a second adds; not more than one second's."""
GROWTH = 1.8
"""A face this many times as large or as small as it was last is another one."""
SAME_FACE = 0.35
"""In sizes of the crop; of two faces nearer than that the detector has seen one twice."""
TILTED = 5.0
"""Degrees between two faces from which on one look does not do for both: each is looked at upright."""


@dataclass(frozen=True)
class FaceTracks:
    """All faces of a video of F frames."""

    time: np.ndarray
    """``(F,)`` seconds."""
    tracks: list[FaceTrack]
    """By first appearance, then by size; empty where nobody is seen."""


@dataclass(eq=False)
class _Open:
    """A track that may go on."""

    first: int
    last: Detection
    seen: float
    """Seconds when the face was last found."""
    values: array = field(default_factory=lambda: array("d"))
    """Of all frames since the first, ``SIGHTING_VALUES`` each; NaN where the face was not found."""
    length: int = 0
    """Frames from the first to the last in which the face was found."""
    num_found: int = 0

    def add(self, time: float, sighting: Detection | None) -> None:
        self.values.extend(sighting.values if sighting else (np.nan,) * SIGHTING_VALUES)
        if sighting is not None:
            self.last, self.seen = sighting, time
            self.length = len(self.values) // SIGHTING_VALUES
            self.num_found += 1

    def distance(self, sighting: Detection, time: float) -> float | None:
        """In place and size, None beyond the gate."""
        place, growth = _apart(sighting, self.last), abs(log(sighting.crop.size / self.last.crop.size))
        gate = NEAR + FASTEST * min(time - self.seen, 1.0)
        return place + growth if place <= gate and growth <= log(GROWTH) else None

    def finish(self, time: np.ndarray, sigma: float) -> FaceTrack:
        """The track, without what came after the face was last found."""
        values = np.array(self.values).reshape(-1, SIGHTING_VALUES)[: self.length]
        return FaceTrack.from_values(self.first, time[self.first : self.first + self.length], values, sigma=sigma)


def find_tracks(
    source: FrameSource,
    *,
    detector: Detector,
    fill: float = FILL,
    smoothing: float = SMOOTHING,
    progress: Callable[[int], object] = lambda _: None,
) -> FaceTracks:
    """Find and follow every face of a video.

    Parameters
    ----------
    fill: share of the crop's height from brow to chin; smoothing: seconds; progress: is told of every frame.

    Raises ``InputError`` that names the source if it cannot be read.
    """
    times, running, ended = array("d"), list[_Open](), list[_Open]()
    with closing(ahead(source.glances(detector.longest_side), depth=8)) as glances:
        for frame, glance in enumerate(glances):
            times.append(glance.time)
            found, new = _link(running, glance, detector, fill)
            for track in running:
                track.add(glance.time, found.get(track))
            ended += [track for track in running if glance.time - track.seen > LOST]
            running = [track for track in running if glance.time - track.seen <= LOST]
            for sighting in new:
                running.append(_Open(frame, sighting, glance.time))
                running[-1].add(glance.time, sighting)
            progress(1)
    time = np.array(times)
    interval = float(np.median(np.diff(time))) if len(time) > 1 else SHORTEST
    shortest = min(SHORTEST, len(time) * interval) - 1e-3  # time stamps are rounded
    lasting = [track for track in ended + running if track.num_found * interval >= shortest]
    lasting.sort(key=lambda track: (track.first, -track.values[2]))  # the third value is the crop's size
    return FaceTracks(time, [track.finish(time, smoothing * frame_rate(time)) for track in lasting])


def _link(
    running: list[_Open], glance: DownscaledFrame, detector: Detector, fill: float
) -> tuple[dict[_Open, Detection], list[Detection]]:
    """Where the faces of the open tracks are in a frame, and those that belong to none."""
    rolls = _by_roll(running)
    seen = look(detector, glance, next(iter(rolls), 0.0), fill)
    found = _nearest_first(running, seen, glance.time)
    for roll, tilted in list(rolls.items())[1:]:
        others = [found[track] for track in found if track not in tilted]
        again = [each for each in look(detector, glance, roll, fill) if not _is_one_of(each, others)]
        found |= _nearest_first(tilted, again, glance.time)
    new: list[Detection] = []
    for sighting in seen:
        if not _is_one_of(sighting, [*found.values(), *new]):
            new.append(sighting)
    return found, new


def _by_roll(tracks: list[_Open]) -> dict[float, list[_Open]]:
    """Tracks that one look does for, by its degrees; that of the largest face first."""
    rolls: dict[float, list[_Open]] = {}
    for track in sorted(tracks, key=lambda track: -track.last.crop.size):
        tilt = track.last.crop.roll
        near = next((roll for roll in rolls if abs(roll - tilt) <= TILTED), tilt)
        rolls.setdefault(near, []).append(track)
    return rolls


def _nearest_first(tracks: list[_Open], seen: list[Detection], time: float) -> dict[_Open, Detection]:
    """Pairs of a track and a sighting, each in one pair at most, the nearest pair first."""
    distances = ((track.distance(sighting, time), track, i) for track in tracks for i, sighting in enumerate(seen))
    pairs = sorted(((far, track, i) for far, track, i in distances if far is not None), key=lambda pair: pair[0])
    found: dict[_Open, Detection] = {}
    taken: set[int] = set()
    for _, track, i in pairs:
        if track not in found and i not in taken:
            found[track] = seen[i]
            taken.add(i)
    return found


def _is_one_of(sighting: Detection, others: Iterable[Detection]) -> bool:
    """Whether the detector has seen one of the others a second time."""
    return any(_apart(sighting, other) < SAME_FACE for other in others)


def _apart(one: Detection, other: Detection) -> float:
    """In sizes of the other."""
    return hypot(one.crop.x - other.crop.x, one.crop.y - other.crop.y) / other.crop.size
