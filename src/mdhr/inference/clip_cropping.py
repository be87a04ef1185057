"""Clips of all face tracks of a video, cropped in one pass over its frames.

Only crops of incomplete clips are in memory, so that memory does not grow with the length of the video.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mdhr.data.dataset import clip_positions, segment_starts
from mdhr.data.faces.cropping import crop_face
from mdhr.data.faces.face_stream import TrackedFrame


@dataclass(frozen=True)
class ClipLayout:
    """Division of a track into clips, as for test videos."""

    num_frames: int
    """T."""
    stride: int
    """Distance of neighboring frames of a clip in the video; with a stride above 1 the clips are interleaved."""
    overlap: int
    """Frames, 0 to T - 1, shared with the next clip."""
    crop_size: int
    """S, width and height of a crop in pixels."""


class ClipFrames(NamedTuple):
    """Frames that a clip consists of."""

    track: int
    """Number of the track."""
    positions: np.ndarray
    """``(T,)`` positions in the track."""
    padding: np.ndarray
    """``(T,)`` boolean: whether the frame repeats the last frame of the track."""


class CroppedClips(NamedTuple):
    """Batch of B clips, which may belong to several tracks."""

    clips: Tensor
    """``B T 3 S S`` uint8 RGB."""
    frames: list[ClipFrames]
    """One entry per clip."""
    num_read: int
    """Number of frames of the video that have been read."""


def crop_clips(
    frames: Iterable[TrackedFrame],
    layout: ClipLayout,
    *,
    batch_size: int,
    is_face: Callable[[int], bool] = lambda track: True,
    on_crop: Callable[[int, int, np.ndarray], object] = lambda track, position, crop: None,
) -> Iterator[CroppedClips]:
    """Yield the clips of all tracks in batches, in the order in which they are complete.

    Args:
        is_face: returns whether a track that has ended is a face. The incomplete clips of other tracks are dropped.
        on_crop: called with track, position in the track and crop ``(S, S, 3)`` of every frame.
    """
    complete: list[tuple[ClipFrames, Tensor]] = []
    croppers: dict[int, _TrackCropper] = {}
    num_read = 0
    for num_read, (frame, crop_boxes) in enumerate(frames, start=1):
        for track in croppers.keys() - crop_boxes.keys():
            complete += croppers.pop(track).remaining_clips(is_face)
        if crop_boxes:
            image = frame.rgb()
        for track, box in crop_boxes.items():
            cropper = croppers.setdefault(track, _TrackCropper(track, layout))
            on_crop(track, cropper.length, cropper.add(crop_face(image, box, layout.crop_size)))
            complete += cropper.complete_clips()
        while len(complete) >= batch_size:
            yield _stack(complete[:batch_size], num_read)
            del complete[:batch_size]
    for cropper in croppers.values():
        complete += cropper.remaining_clips(is_face)
    while complete:
        yield _stack(complete[:batch_size], num_read)
        del complete[:batch_size]


class _TrackCropper:
    """Collects the crops of one track and stores those of its incomplete clips."""

    def __init__(self, track: int, layout: ClipLayout) -> None:
        self.track, self.layout = track, layout
        self.length = 0
        self._crops: dict[int, np.ndarray] = {}

    def add(self, crop: np.ndarray) -> np.ndarray:
        """Append the crop of the next frame of the track and return it."""
        self._crops[self.length] = crop
        self.length += 1
        return crop

    def complete_clips(self) -> Iterator[tuple[ClipFrames, Tensor]]:
        """Yield the clip ``T 3 S S`` whose last crop is the most recent one, if there is one."""
        layout = self.layout
        start = self.length - 1 - layout.stride * (layout.num_frames - 1)
        if start >= 0 and start // layout.stride % (layout.num_frames - layout.overlap) == 0:
            yield self._clip(start)

    def remaining_clips(self, is_face: Callable[[int], bool]) -> Iterator[tuple[ClipFrames, Tensor]]:
        """Yield the clips that the end of the track completes by padding."""
        if not is_face(self.track):
            return
        layout = self.layout
        starts = segment_starts(self.length, num_frames=layout.num_frames, stride=layout.stride, overlap=layout.overlap)
        for start in starts:
            if start + layout.stride * (layout.num_frames - 1) >= self.length:
                yield self._clip(start)

    def _clip(self, start: int) -> tuple[ClipFrames, Tensor]:
        layout = self.layout
        positions, padding = clip_positions(
            start, num_frames=layout.num_frames, stride=layout.stride, length=self.length
        )
        clip = torch.from_numpy(np.stack([self._crops[each] for each in positions]))
        for before_next_clip in positions[: layout.num_frames - layout.overlap]:
            self._crops.pop(before_next_clip, None)
        return ClipFrames(self.track, positions, padding), clip.movedim(-1, -3)


def _stack(clips: Sequence[tuple[ClipFrames, Tensor]], num_read: int) -> CroppedClips:
    return CroppedClips(torch.stack([clip for _, clip in clips]), [frames for frames, _ in clips], num_read)
