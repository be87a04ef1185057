"""Before and after the network: the clips of a video, and the scores of its frames from theirs."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mdhr.data.faces.detection import Detector
from mdhr.data.faces.face_track import FaceTracks
from mdhr.data.faces.tracking import find_tracks
from mdhr.data.video.frame_source import FrameSource, frame_interval
from mdhr.inference.clip_stream import ClipRule, CroppedClips, Place, clip_batches
from mdhr.inference.model_description import ModelDescription

NUM_PICTURES = 9
"""Of every track, evenly spaced: enough for a strip above a timeline."""

Progress = Callable[[str, int], object]
"""Is told ``"faces"`` or ``"scores"``, and how many frames have been looked at or scored so far."""


class VideoClips:
    """The faces of a video, found and followed at once, and their clips, cut as they are asked for.

    Parameters
    ----------
    description: of the model that the clips are for; overlap: frames that neighboring clips share.
    batch_size: clips in a batch; progress: is told how many frames have been looked at.

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
        progress: Progress = lambda stage, frames: None,
    ) -> None:
        looked_at = 0

        def count(frames: int) -> None:
            nonlocal looked_at
            looked_at += frames
            progress("faces", looked_at)

        self.found = find_tracks(source, detector=detector, fill=description.fill, progress=count)
        self._source, self._batch_size = source, batch_size
        self._rule = ClipRule(
            num_frames=description.num_frames,
            stride=clip_stride(self.found.time, description.frame_interval),
            overlap=overlap,
            size=description.crop_size,
        )
        self._shown = [picture_positions(len(track.time)) for track in self.found.tracks]
        self._pictures: list[list[np.ndarray]] = [[] for _ in self._shown]

    def batches(self) -> Iterator[CroppedClips]:
        """Every frame of every track; raises ``InputError`` if the source cannot be read a second time."""
        if self.found.tracks:
            yield from clip_batches(
                self._source, self.found, self._rule, batch_size=self._batch_size, look_on=self._keep_picture
            )

    def pictures(self) -> list[np.ndarray]:
        """``(up to 9, S, S, 3)`` uint8 RGB of every track, once all clips are cut."""
        return [np.stack(crops) for crops in self._pictures]

    def _keep_picture(self, track: int, position: int, crop: np.ndarray) -> None:
        self._pictures[track] += [crop] * self._shown[track].count(position)


class FrameScores:
    """The scores of the frames of all tracks: the mean of those that a frame has in its clips.

    Parameters
    ----------
    found: whose they are; num_aus: N.
    """

    def __init__(self, found: FaceTracks, num_aus: int) -> None:
        lengths = [len(track.time) for track in found.tracks]
        self._sums = [np.zeros((length, num_aus), np.float32) for length in lengths]
        self._times_scored = [np.zeros((length, 1), np.float32) for length in lengths]

    def add(self, places: Sequence[Place], scores: np.ndarray) -> None:
        """The scores ``(B, T, N)`` of clips from these B places."""
        for place, rows in zip(places, scores, strict=True):
            frames = place.positions[~place.padding]
            self._sums[place.track][frames] += rows[~place.padding]
            self._times_scored[place.track][frames] += 1

    def means(self) -> list[np.ndarray]:
        """``(F, N)`` float32 of every track."""
        return [total / count for total, count in zip(self._sums, self._times_scored, strict=True)]


def clip_stride(time: np.ndarray, training_interval: float) -> int:
    """Distance of neighboring frames of a clip, so that movements have the speed that the network knows.

    Parameters
    ----------
    time: ``(F,)`` seconds of the frames of a video; training_interval: of neighboring frames of a clip in training.
    """
    return max(1, round(training_interval / frame_interval(time, default=training_interval)))


def picture_positions(length: int) -> list[int]:
    """Positions in a track of its pictures: the middle of each of nine stretches of time."""
    return [int((i + 0.5) / NUM_PICTURES * length) for i in range(NUM_PICTURES)]
