"""Face tracking: the tracks of all faces of a video.

Memory use is independent of the resolution of the video: nine numbers per frame and track are stored, and no images.
"""

from array import array
from collections.abc import Callable, Mapping
from contextlib import closing

import numpy as np

from mdhr.data.faces.cropping import FILL, fill_gaps, smooth_boxes, smoothing_radius
from mdhr.data.faces.detection import Detector
from mdhr.data.faces.face_track import FaceTrack, FaceTracks
from mdhr.data.faces.track_linking import FrameLinker, OpenTrack
from mdhr.data.video.frame import DownscaledFrame
from mdhr.data.video.frame_source import FrameSource
from mdhr.data.video.prefetch import prefetch

SMOOTHING = 0.2
"""Standard deviation of the smoothing over time in seconds: longer than the jitter of detectors, shorter than head
movements."""
MAX_GAP = 1.0
"""Seconds without a detection after which a track ends."""
MIN_DURATION = 0.2
"""Seconds. Tracks with detections for less time are false detections."""


class FaceTracker:
    """Tracker of all faces of a video, frame by frame.

    Args:
        interval: median distance of neighboring frames in seconds.
        fill: share of the crop's height from brow to chin.
        smoothing: standard deviation of the smoothing over time in seconds.
    """

    def __init__(
        self, *, detector: Detector, interval: float, fill: float = FILL, smoothing: float = SMOOTHING
    ) -> None:
        self._linker = FrameLinker(detector=detector, fill=fill)
        self._interval = interval
        self._sigma = smoothing / interval
        self._radius = smoothing_radius(self._sigma)
        self._times = array("d")
        self._tracks: list[OpenTrack] = []
        """All tracks in the order of their first frame, including false detections."""
        self._open: list[OpenTrack] = []
        """Tracks that further frames may extend."""
        self._current: dict[int, OpenTrack] = {}
        """Tracks by index that may contain the next frame of :meth:`crop_boxes`."""

    def add(self, frame: DownscaledFrame) -> None:
        """Detect the faces of the next frame of the video and add them to the tracks."""
        index = len(self._times)
        self._times.append(frame.time)
        assigned, unassigned = self._linker.link(self._open, frame)
        for track in self._open:
            track.add_frame(frame.time, assigned.get(track))
        self._open = [each for each in self._open if not each.ended and frame.time - each.last_time <= MAX_GAP]
        for detection in unassigned:
            track = OpenTrack(index, detection, frame.time)
            track.add_frame(frame.time, detection)
            self._open.append(track)
            self._current[len(self._tracks)] = track
            self._tracks.append(track)

    def end(self) -> None:
        """End all tracks after the last frame of the video."""
        self._open = []

    def crop_boxes(self, index: int) -> Mapping[int, np.ndarray] | None:
        """Return the smoothed crop boxes ``(4,)`` in a frame by track, or None if they depend on further frames.

        Call it for every frame in order. A track that is missing after it was included has ended.
        """
        for number, track in list(self._current.items()):
            if track in self._open:
                if track.first <= index and track.first + track.length <= index + self._radius:
                    return None
            elif track.first + track.length <= index:
                del self._current[number]
        return {
            number: self._smoothed_crop(track, index - track.first)
            for number, track in self._current.items()
            if track.first <= index
        }

    def is_face(self, number: int) -> bool:
        """Return whether a track that has ended is not a false detection."""
        return self._duration(self._tracks[number]) >= self._min_duration

    def tracks(self) -> FaceTracks:
        """Return the tracks of the complete video."""
        time = np.array(self._times)
        order = [number for number in range(len(self._tracks)) if self.is_face(number)]
        # The third number of a detection is the crop size, here in the first frame.
        order.sort(key=lambda number: (self._tracks[number].first, -self._tracks[number].values[2]))
        return FaceTracks(time, [self._close(self._tracks[number], time) for number in order], order)

    @property
    def _min_duration(self) -> float:
        # The tolerance is for rounded time stamps.
        return min(MIN_DURATION, len(self._times) * self._interval) - 1e-3

    def _duration(self, track: OpenTrack) -> float:
        return track.num_detections * self._interval

    def _smoothed_crop(self, track: OpenTrack, position: int) -> np.ndarray:
        """Return the crop box at a position of a track from the detections around it."""
        first, end = max(0, position - self._radius), min(track.length, position + self._radius + 1)
        low, high = first, end
        while not track.is_detected(low):  # the detections around a gap determine its values
            low -= 1
        while not track.is_detected(high - 1):
            high += 1
        filled = fill_gaps(track.detections(low, high)[:, :4])[first - low : end - low]
        return smooth_boxes(filled, sigma=self._sigma)[position - first]

    def _close(self, track: OpenTrack, time: np.ndarray) -> FaceTrack:
        frames = slice(track.first, track.first + track.length)
        return FaceTrack.from_detections(track.first, time[frames], track.detections(), sigma=self._sigma)


def find_tracks(
    source: FrameSource,
    *,
    detector: Detector,
    fill: float = FILL,
    smoothing: float = SMOOTHING,
    progress: Callable[[int], object] = lambda _: None,
) -> FaceTracks:
    """Return the tracks of all faces of a video.

    Args:
        fill: share of the crop's height from brow to chin.
        smoothing: standard deviation of the smoothing over time in seconds.
        progress: called with 1 after every frame.

    Raises ``InputError`` if the source cannot be read.
    """
    tracker = FaceTracker(detector=detector, interval=source.interval, fill=fill, smoothing=smoothing)
    downscaled = (frame.downscaled(detector.longest_side) for frame in source.frames())
    with closing(prefetch(downscaled, depth=8)) as frames:
        for frame in frames:
            tracker.add(frame)
            progress(1)
    return tracker.tracks()
