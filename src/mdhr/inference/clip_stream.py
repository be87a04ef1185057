"""The clips of all faces of a video, cut while it is read once: in memory are those alone that are not yet scored."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mdhr.data.dataset import clip_positions, segment_starts
from mdhr.data.faces.cropping import crop_face
from mdhr.data.faces.face_track import FaceTrack, FaceTracks
from mdhr.data.video.frame_source import FrameSource


@dataclass(frozen=True)
class ClipRule:
    """How the frames of a track are cut into clips: as those of a test video are."""

    num_frames: int
    """T."""
    stride: int
    """Distance in the video of neighboring frames of a clip; the clips of a track are then interleaved."""
    overlap: int
    """Frames, 0 to T - 1, that a clip shares with the next one of its sequence."""
    size: int
    """S, width and height of a crop in pixels."""


class Place(NamedTuple):
    """Where the frames of a clip come from."""

    track: int
    positions: np.ndarray
    """``(T,)`` frames of the track."""
    padding: np.ndarray
    """``(T,)`` boolean: the track ended before, its last frame is repeated."""


class CroppedClips(NamedTuple):
    """Clips of any tracks."""

    clips: Tensor
    """``B T 3 S S`` uint8 RGB."""
    places: list[Place]
    """B of them."""
    num_read: int
    """Frames of the video that were read so far."""


def clip_batches(
    source: FrameSource,
    found: FaceTracks,
    rule: ClipRule,
    *,
    batch_size: int,
    look_on: Callable[[int, int, np.ndarray], object] = lambda track, position, crop: None,
) -> Iterator[CroppedClips]:
    """Every frame of every track in clips, clips of all tracks in one batch, in the order in which they are complete.

    Parameters
    ----------
    found: the tracks that ``source`` has; look_on: is shown every crop ``(S, S, 3)``.
    """
    waiting: list[tuple[Place, Tensor]] = []
    cutting: list[_Cutter] = []
    later = sorted(range(len(found.tracks)), key=lambda track: -found.tracks[track].first)  # the next one last
    for frame, (_, image) in enumerate(source.frames()):
        while later and found.tracks[later[-1]].first == frame:
            track = later.pop()
            cutting.append(_Cutter(track, found.tracks[track], rule))
        for cutter in cutting:
            position, crop = cutter.take(frame, image)
            look_on(cutter.track, position, crop)
            waiting += cutter.complete(position)
        cutting = [cutter for cutter in cutting if cutter.left]
        while len(waiting) >= batch_size:
            yield _batch(waiting[:batch_size], frame + 1)
            del waiting[:batch_size]
    if waiting:
        yield _batch(waiting, frame + 1)


class _Cutter:
    """Cuts one track and keeps those of its crops that clips still wait for."""

    def __init__(self, track: int, where: FaceTrack, rule: ClipRule) -> None:
        self.track, self.where, self.rule = track, where, rule
        self.length = len(where.crop)
        starts = segment_starts(self.length, num_frames=rule.num_frames, stride=rule.stride, overlap=rule.overlap)
        self.left = sorted(starts, key=self._last, reverse=True)  # the next one to be complete last
        self._crops: dict[int, np.ndarray] = {}

    def take(self, frame: int, image: np.ndarray) -> tuple[int, np.ndarray]:
        """Cut the face out of a frame of the video; its position in the track, and the crop."""
        position = frame - self.where.first
        self._crops[position] = crop_face(image, self.where.crop[position], self.rule.size)
        return position, self._crops[position]

    def complete(self, position: int) -> Iterator[tuple[Place, Tensor]]:
        """The clips ``T 3 S S`` that end with the crop at ``position``."""
        rule = self.rule
        while self.left and self._last(self.left[-1]) <= position:
            start = self.left.pop()
            place = clip_positions(start, num_frames=rule.num_frames, stride=rule.stride, length=self.length)
            clip = torch.from_numpy(np.stack([self._crops[each] for each in place[0]]))
            for done in place[0][: rule.num_frames - rule.overlap]:  # the next clip begins behind them
                self._crops.pop(done, None)
            yield Place(self.track, *place), clip.movedim(-1, -3)

    def _last(self, start: int) -> int:
        """Position of the last frame of the clip that begins at ``start``."""
        rule = self.rule
        return start + rule.stride * min(rule.num_frames - 1, (self.length - 1 - start) // rule.stride)


def _batch(clips: Sequence[tuple[Place, Tensor]], num_read: int) -> CroppedClips:
    return CroppedClips(torch.stack([clip for _, clip in clips]), [place for place, _ in clips], num_read)
