"""Clips of all face tracks of a video, cropped in one pass over its frames.

Only crops of incomplete clips are in memory, so that memory does not grow with the length of the video.
"""

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
    """Index of the track."""
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
    source: FrameSource,
    faces: FaceTracks,
    layout: ClipLayout,
    *,
    batch_size: int,
    on_crop: Callable[[int, int, np.ndarray], object] = lambda track, position, crop: None,
) -> Iterator[CroppedClips]:
    """Yield the clips of all tracks in batches, in the order in which they are complete.

    Args:
        faces: tracks in the frames of ``source``.
        on_crop: called with track, position in the track and crop ``(S, S, 3)`` of every frame.

    Raises ``InputError`` if the source cannot be read.
    """
    complete: list[tuple[ClipFrames, Tensor]] = []
    active: list[_TrackCropper] = []
    upcoming = sorted(range(len(faces.tracks)), key=lambda track: -faces.tracks[track].first)
    for frame, (_, image) in enumerate(source.frames()):
        while upcoming and faces.tracks[upcoming[-1]].first == frame:
            index = upcoming.pop()
            active.append(_TrackCropper(index, faces.tracks[index], layout))
        for cropper in active:
            position, crop = cropper.add_frame(frame, image)
            on_crop(cropper.index, position, crop)
            complete += cropper.complete_clips(position)
        active = [cropper for cropper in active if cropper.starts]
        while len(complete) >= batch_size:
            yield _stack(complete[:batch_size], frame + 1)
            del complete[:batch_size]
    if complete:
        yield _stack(complete, frame + 1)


class _TrackCropper:
    """Crops one track and stores the crops of its incomplete clips."""

    def __init__(self, index: int, track: FaceTrack, layout: ClipLayout) -> None:
        self.index, self.track, self.layout = index, track, layout
        self.length = len(track.crop)
        starts = segment_starts(self.length, num_frames=layout.num_frames, stride=layout.stride, overlap=layout.overlap)
        self.starts = sorted(starts, key=self._last_position, reverse=True)
        """First positions of the incomplete clips; the last element is the clip that is complete next."""
        self._crops: dict[int, np.ndarray] = {}

    def add_frame(self, frame: int, image: np.ndarray) -> tuple[int, np.ndarray]:
        """Crop the face in a frame of the video; return the position of the frame in the track and the crop."""
        position = frame - self.track.first
        self._crops[position] = crop_face(image, self.track.crop[position], self.layout.crop_size)
        return position, self._crops[position]

    def complete_clips(self, position: int) -> Iterator[tuple[ClipFrames, Tensor]]:
        """Yield the clips ``T 3 S S`` whose last crop is the one at ``position``."""
        layout = self.layout
        while self.starts and self._last_position(self.starts[-1]) <= position:
            start = self.starts.pop()
            positions, padding = clip_positions(
                start, num_frames=layout.num_frames, stride=layout.stride, length=self.length
            )
            clip = torch.from_numpy(np.stack([self._crops[each] for each in positions]))
            for before_next_clip in positions[: layout.num_frames - layout.overlap]:
                self._crops.pop(before_next_clip, None)
            yield ClipFrames(self.index, positions, padding), clip.movedim(-1, -3)

    def _last_position(self, start: int) -> int:
        """Return the last position of the clip that starts at ``start``."""
        layout = self.layout
        return start + layout.stride * min(layout.num_frames - 1, (self.length - 1 - start) // layout.stride)


def _stack(clips: Sequence[tuple[ClipFrames, Tensor]], num_read: int) -> CroppedClips:
    return CroppedClips(torch.stack([clip for _, clip in clips]), [frames for frames, _ in clips], num_read)
