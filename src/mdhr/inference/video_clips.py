"""Preprocessing of a video for the network: face tracks, then batches of clips, then thumbnails."""

from collections.abc import Callable, Iterator

import numpy as np

from mdhr.data.faces.detection import Detector
from mdhr.data.faces.tracking import find_tracks
from mdhr.data.video.frame_source import FrameSource, frame_interval
from mdhr.inference.clip_cropping import ClipLayout, CroppedClips, crop_clips
from mdhr.inference.model_description import ModelDescription

NUM_THUMBNAILS = 9
"""Thumbnails per track, evenly spaced in time, as many as a timeline shows."""

FrameProgress = Callable[[str, int], object]
"""Called with a stage, ``"faces"`` or ``"scores"``, and the number of frames that have completed it."""


class VideoClips:
    """Face tracks of a video, and its clips.

    The constructor reads the video once to track faces; :meth:`batches` reads it again to crop them.

    Args:
        description: model that the clips are for.
        overlap: frames shared by neighboring clips.
        batch_size: clips per batch.
        progress: called after every tracked frame.

    Raises ``InputError`` that names the source if it cannot be read.
    """

    def __init__(
        self,
        source: FrameSource,
        *,
        detector: Detector,
        description: ModelDescription,
        overlap: int,
        batch_size: int,
        progress: FrameProgress = lambda stage, frames: None,
    ) -> None:
        num_tracked = 0

        def count(frames: int) -> None:
            nonlocal num_tracked
            num_tracked += frames
            progress("faces", num_tracked)

        self.faces = find_tracks(source, detector=detector, fill=description.fill, progress=count)
        self._source, self._batch_size = source, batch_size
        self._layout = ClipLayout(
            num_frames=description.num_frames,
            stride=clip_stride(self.faces.time, description.frame_interval),
            overlap=overlap,
            crop_size=description.crop_size,
        )
        self._thumbnail_positions = [thumbnail_positions(len(track.time)) for track in self.faces.tracks]
        self._thumbnails: list[list[np.ndarray]] = [[] for _ in self._thumbnail_positions]

    def batches(self) -> Iterator[CroppedClips]:
        """Yield clips that contain every frame of every track.

        Raises ``InputError`` if the source cannot be read.
        """
        if self.faces.tracks:
            yield from crop_clips(
                self._source, self.faces, self._layout, batch_size=self._batch_size, on_crop=self._store_thumbnail
            )

    @property
    def notes(self) -> list[str]:
        """Phrases about assumptions on the source, for the user."""
        return list(self._source.notes)

    def thumbnails(self) -> list[np.ndarray]:
        """Return the crops ``(NUM_THUMBNAILS, S, S, 3)`` uint8 RGB of each track, after all batches were yielded."""
        return [np.stack(crops) for crops in self._thumbnails]

    def _store_thumbnail(self, track: int, position: int, crop: np.ndarray) -> None:
        self._thumbnails[track] += [crop] * self._thumbnail_positions[track].count(position)


def clip_stride(time: np.ndarray, training_interval: float) -> int:
    """Return the stride that makes the frame interval of clips closest to that of training.

    Args:
        time: ``(F,)`` time stamps of the video in seconds.
        training_interval: seconds between neighboring frames of a clip in training.
    """
    return max(1, round(training_interval / frame_interval(time, default=training_interval)))


def thumbnail_positions(length: int) -> list[int]:
    """Return the middle positions of ``NUM_THUMBNAILS`` equal parts of a track; a short track repeats positions."""
    return [int((i + 0.5) / NUM_THUMBNAILS * length) for i in range(NUM_THUMBNAILS)]
