"""Clips of videos: random clips for training, consecutive segments for validation and testing.

A clip is T frames, ``stride`` frames apart. If the video is shorter, its last frame is repeated with label -1 and frame
number -1, which losses and metrics ignore.
"""

import warnings
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mdhr.action_units import MISSING, ActionUnitSet
from mdhr.batch import ClipBatch
from mdhr.data.prepared.feature_cache import StoredFeatures
from mdhr.data.prepared.frame_cache import StoredFrames
from mdhr.data.prepared.manifest import Video
from mdhr.data.transforms import augment, resize, sample_augmentation
from mdhr.data.video.frame_images import read_frame

_CLIP_STREAM = 1
"""Separates the random numbers of clips from others of the same seed."""


class TrainingClips(Dataset[ClipBatch]):
    """Random augmented clips, ``clips_per_video`` per video and epoch.

    The item at ``(epoch, index)`` depends only on the seed and these two numbers, so the number of workers does not
    matter and a resumed run samples the same clips. A plain ``index`` belongs to epoch 0. Warns once about videos
    shorter than a clip.

    Args:
        size: width and height of the frames of the data set.
        crop_size: width and height of the random crop.
        stride: number of frames from one frame of a clip to the next.
        jitter: range of the factors for brightness, contrast and saturation.
        features: stored feature maps, which replace the frames. Of the augmentations, the flip applies.
        stored_frames: decoded frames, which replace the image files.
    """

    def __init__(
        self,
        *,
        videos: Sequence[Video],
        au_set: ActionUnitSet,
        size: int,
        crop_size: int,
        num_frames: int,
        seed: int,
        clips_per_video: int = 1,
        stride: int = 1,
        jitter: tuple[float, float] = (0.6, 1.4),
        features: StoredFeatures | None = None,
        stored_frames: StoredFrames | None = None,
    ) -> None:
        self.videos = videos
        self.au_set = au_set
        self.size = size
        self.crop_size = crop_size
        self.num_frames = num_frames
        self.seed = seed
        self.clips_per_video = clips_per_video
        self.stride = stride
        self.jitter = jitter
        self.features = features
        self.read = stored_frames.read if stored_frames else partial(read_frame, size=size)
        self.span = stride * (num_frames - 1) + 1
        short = [video.name for video in videos if len(video) < self.span]
        if short:
            warnings.warn(
                f"{len(short)} of {len(videos)} training videos are shorter than a clip of {self.span} frames and are "
                f"padded with unlabeled copies of their last frame; the first is {short[0]}",
                stacklevel=2,
            )

    def __len__(self) -> int:
        return len(self.videos) * self.clips_per_video

    def __getitem__(self, key: int | tuple[int, int]) -> ClipBatch:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        rng = np.random.default_rng([_CLIP_STREAM, self.seed, epoch, index])
        video = index // self.clips_per_video
        start = int(rng.integers(max(1, len(self.videos[video]) - self.span + 1)))
        draw = sample_augmentation(rng, size=self.size, crop_size=self.crop_size, jitter=self.jitter)
        positions, padding = clip_positions(
            start, num_frames=self.num_frames, stride=self.stride, length=len(self.videos[video])
        )
        paths = [self.videos[video].paths[position] for position in positions]
        frames = features = None
        if self.features is not None:
            features = self.features.read(paths, mirrored=draw.flip)
        else:
            frames = _load_frames(
                paths, self.crop_size, lambda path, out: augment(self.read(path), draw, self.crop_size, out=out)
            )
        return _clip(self.videos[video], video, positions, padding, frames, features, self.au_set)


def segment_starts(length: int, *, num_frames: int, stride: int, overlap: int = 0) -> list[int]:
    """Return the first frame of every segment of a video; together the segments cover every frame.

    With stride s, the segments form s interleaved sequences.

    Args:
        overlap: frames that consecutive segments share, 0 to T - 1.
    """
    step = (num_frames - overlap) * stride
    # A segment that starts later contains no frame that the previous one lacks.
    return [
        start
        for phase in range(min(stride, length))
        for start in range(phase, max(phase + 1, length - overlap * stride), step)
    ]


class SequentialClips(Dataset[ClipBatch]):
    """Consecutive clips that contain every frame of every video exactly once; the last clips of a video may be padded.

    Parameters are those of :class:`TrainingClips`.
    """

    def __init__(
        self,
        *,
        videos: Sequence[Video],
        au_set: ActionUnitSet,
        size: int,
        crop_size: int,
        num_frames: int,
        stride: int = 1,
        features: StoredFeatures | None = None,
        stored_frames: StoredFrames | None = None,
    ) -> None:
        self.videos = videos
        self.au_set = au_set
        self.size = size
        self.crop_size = crop_size
        self.num_frames = num_frames
        self.stride = stride
        self.features = features
        self.read = stored_frames.read if stored_frames else partial(read_frame, size=size)
        self.segments = [
            (video, start)
            for video, frames in enumerate(videos)
            for start in segment_starts(len(frames), num_frames=num_frames, stride=stride)
        ]
        """Index of the video and position of the first frame of every segment."""

    def __len__(self) -> int:
        return len(self.segments)

    def positions(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions of the T frames of a segment in its video, and which of them are padding."""
        video, start = self.segments[index]
        length = len(self.videos[video])
        return clip_positions(start, num_frames=self.num_frames, stride=self.stride, length=length)

    def __getitem__(self, index: int) -> ClipBatch:
        video, _ = self.segments[index]
        positions, padding = self.positions(index)
        paths = [self.videos[video].paths[position] for position in positions]
        frames = features = None
        if self.features is not None:
            features = self.features.read(paths, mirrored=False)
        else:
            frames = _load_frames(paths, self.size, lambda path, out: np.copyto(out, self.read(path)))
            frames = resize(frames, self.crop_size)
        return _clip(self.videos[video], video, positions, padding, frames, features, self.au_set)


def clip_positions(start: int, *, num_frames: int, stride: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(T,)`` positions of a clip in a video of ``length`` frames and a ``(T,)`` mask of padding.

    Padding repeats the last position of the clip inside the video.
    """
    positions = start + stride * np.arange(num_frames)
    padding = positions >= length
    return np.where(padding, positions[~padding][-1], positions), padding


def collate_clips(clips: Sequence[ClipBatch]) -> ClipBatch:
    """Stack clips to a batch, frames in channels-last memory order, as they were decoded."""
    if clips[0].frames is not None:
        clips = [clip._replace(frames=clip.frames.movedim(-3, -1)) for clip in clips]  # type: ignore[union-attr]
    fields = zip(*clips, strict=True)
    batch = ClipBatch._make(None if tensors[0] is None else torch.stack(tensors) for tensors in fields)
    return batch if batch.frames is None else batch._replace(frames=batch.frames.movedim(-1, -3))


def _clip(
    video: Video,
    index: int,
    positions: np.ndarray,
    padding: np.ndarray,
    frames: Tensor | None,
    features: Tensor | None,
    au_set: ActionUnitSet,
) -> ClipBatch:
    au = torch.from_numpy(np.where(padding[:, None], np.int8(MISSING), video.au[positions]))
    return ClipBatch(
        frames=frames,
        au=au,
        region=au_set.region_pattern(au),
        video=torch.tensor(index),
        frame=torch.from_numpy(np.where(padding, -1, video.frame[positions])),
        features=features,
    )


def _load_frames(paths: Sequence[str], size: int, fill: Callable[[str, np.ndarray], object]) -> Tensor:
    """``T 3 size size`` of what ``fill`` puts into its second argument; a file that padding repeats is read once."""
    frames = np.empty((len(paths), size, size, 3), np.uint8)
    for t, path in enumerate(paths):
        if t and path == paths[t - 1]:
            frames[t] = frames[t - 1]
        else:
            fill(path, frames[t])
    return torch.from_numpy(frames).movedim(-1, -3)
