"""Frames of a video with the final crop boxes of all faces, in one pass.

The crop box of a frame depends on the detections of about a second around it. Frames wait in memory until these are
known, so that every video is decoded once and memory does not grow with its length.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import NamedTuple

import numpy as np

from mdhr.data.faces.tracking import FaceTracker
from mdhr.data.video.frame import Frame
from mdhr.data.video.frame_source import FrameSource
from mdhr.data.video.prefetch import prefetch

PREFETCHED_FRAMES = 8
"""Frames that are decoded while earlier frames are processed."""


class TrackedFrame(NamedTuple):
    """Frame of a video with the crop boxes of its faces."""

    frame: Frame
    crop_boxes: Mapping[int, np.ndarray]
    """Smoothed crop box ``(4,)`` by the number of the track. Every track includes consecutive frames."""


def track_frames(source: FrameSource, tracker: FaceTracker, *, longest_side: int) -> Iterator[TrackedFrame]:
    """Yield all frames of a video in order, each as soon as its crop boxes are final.

    Args:
        tracker: new tracker; contains all tracks after the last frame.
        longest_side: resolution of the detector in pixels.

    Raises ``InputError`` if the source cannot be read.
    """
    waiting: deque[Frame] = deque()
    num_tracked = 0

    def tracked_frames() -> Iterator[TrackedFrame]:
        nonlocal num_tracked
        while waiting and (crop_boxes := tracker.crop_boxes(num_tracked)) is not None:
            num_tracked += 1
            yield TrackedFrame(waiting.popleft(), crop_boxes)

    decoded = ((frame, frame.downscaled(longest_side)) for frame in source.frames())
    with closing(prefetch(decoded, depth=PREFETCHED_FRAMES)) as frames:
        for frame, downscaled in frames:
            tracker.add(downscaled)
            waiting.append(frame)
            yield from tracked_frames()
    tracker.end()
    yield from tracked_frames()
