"""Preprocessing of a video for the network: batches of clips, then face tracks and thumbnails."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

import numpy as np

from mdhr.data.faces.detection import Detector
from mdhr.data.faces.face_stream import PREFETCHED_FRAMES, TrackedFrame, track_frames
from mdhr.data.faces.face_track import FaceTracks
from mdhr.data.faces.tracking import FaceTracker
from mdhr.data.video.frame_source import FrameSource
from mdhr.data.video.prefetch import prefetch
from mdhr.inference.clip_cropping import ClipLayout, CroppedClips, crop_clips
from mdhr.inference.even_sample import EvenSample
from mdhr.inference.model_description import ModelDescription

NUM_THUMBNAILS = 9
"""Thumbnails per track, evenly spaced in time, as many as a timeline shows."""
SAMPLED_CROPS = 8 * NUM_THUMBNAILS
"""Crops per track that thumbnails are selected from."""

FrameProgress = Callable[[int], object]
"""Called with a number of completed frames of a video; the largest one counts."""
FrameObserver = Callable[[TrackedFrame], object]
"""Called with every frame of a video in order."""


class VideoClips:
    """Clips of all faces of a video, in one pass over its frames.

    Args:
        description: model that the clips are for.
        overlap: frames shared by neighboring clips.
        batch_size: clips per batch.
        progress: called after frames without a face; the receiver of the clips reports the others.
        observer: called with every frame and the crop boxes of its tracks.
    """

    def __init__(
        self,
        source: FrameSource,
        *,
        detector: Detector,
        description: ModelDescription,
        overlap: int,
        batch_size: int,
        progress: FrameProgress = lambda frames: None,
        observer: FrameObserver = lambda frame: None,
    ) -> None:
        self._source, self._batch_size, self._progress, self._observer = source, batch_size, progress, observer
        self._longest_side = detector.longest_side
        self._tracker = FaceTracker(detector=detector, interval=source.interval, fill=description.fill)
        self._layout = ClipLayout(
            num_frames=description.num_frames,
            stride=clip_stride(source.interval, description.frame_interval),
            overlap=overlap,
            crop_size=description.crop_size,
        )
        self._crops: dict[int, EvenSample[np.ndarray]] = defaultdict(partial(EvenSample, SAMPLED_CROPS))

    def batches(self) -> Iterator[CroppedClips]:
        """Yield clips that contain every frame of every track.

        Raises ``InputError`` that names the source if it cannot be read.
        """
        yield from crop_clips(
            self._frames(),
            self._layout,
            batch_size=self._batch_size,
            is_face=self._tracker.is_face,
            on_crop=lambda track, position, crop: self._crops[track].add(position, crop),
        )

    def faces(self) -> FaceTracks:
        """Return the tracks, after all batches were yielded."""
        return self._tracker.tracks()

    def thumbnails(self, faces: FaceTracks) -> list[np.ndarray]:
        """Return the crops ``(NUM_THUMBNAILS, S, S, 3)`` uint8 RGB of each track, after all batches were yielded.

        Args:
            faces: returned by :meth:`faces`.
        """
        return [
            np.stack([self._crops[number].at(position) for position in thumbnail_positions(len(track.time))])
            for number, track in zip(faces.numbers, faces.tracks, strict=True)
        ]

    def _frames(self) -> Iterator[TrackedFrame]:
        tracked = track_frames(self._source, self._tracker, longest_side=self._longest_side)
        with closing(prefetch(tracked, depth=PREFETCHED_FRAMES)) as frames:
            for num_tracked, frame in enumerate(frames, start=1):
                self._observer(frame)
                yield frame
                if not frame.crop_boxes:
                    self._progress(num_tracked)


def clip_stride(interval: float, training_interval: float) -> int:
    """Return the stride that makes the frame interval of clips closest to that of training.

    Args:
        interval: seconds between neighboring frames of the video.
        training_interval: seconds between neighboring frames of a clip in training.
    """
    return max(1, round(training_interval / interval))


def thumbnail_positions(length: int) -> list[int]:
    """Return the middle positions of ``NUM_THUMBNAILS`` equal parts of a track; a short track repeats positions."""
    return [int((i + 0.5) / NUM_THUMBNAILS * length) for i in range(NUM_THUMBNAILS)]
