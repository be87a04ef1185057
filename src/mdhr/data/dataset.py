"""Clips of videos: random clips for training, consecutive segments for validation and testing.

A clip is T frames, ``stride`` frames apart. If the video is shorter, its last frame is repeated with label -1 and frame
number -1, which losses and metrics ignore.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate, get_worker_info

from mdhr.action_units import MISSING, ActionUnitSet
from mdhr.batch import ClipBatch
from mdhr.data.prepared.feature_cache import StoredFeatures
from mdhr.data.prepared.frame_cache import StoredFrames
from mdhr.data.prepared.manifest import Video
from mdhr.data.transforms import Augmentation, crop, resize, sample_augmentation
from mdhr.data.video.frame_images import frame_buffer, read_frame

_CLIP_STREAM = 1
"""Separates the random numbers of clips from others of the same seed."""


class Clips(Dataset[ClipBatch]):
    """Clips of videos; an item is one clip.

    ``DataLoader`` calls ``__getitems__``, which writes the frames of all clips into the memory of one batch. It needs
    ``collate_fn=unchanged``.

    Args:
        size: width and height of the frames of the data set.
        crop_size: width and height of the frames of a clip.
        stride: number of frames from one frame of a clip to the next.
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
        self.stored_frames = stored_frames

    def locate(self, key: Any) -> tuple[int, int, Augmentation | None]:
        """Return the video of a clip, the position of its first frame in the video, and its augmentation, if any."""
        raise NotImplementedError

    def __getitem__(self, key: Any) -> ClipBatch:
        return ClipBatch._make(None if field is None else field[0] for field in self.__getitems__([key]))

    def __getitems__(self, keys: Sequence[Any]) -> ClipBatch:
        """Return a batch with the clips of these keys, frames in channels-last memory order, as they are decoded."""
        indices, starts, augmentations = zip(*map(self.locate, keys), strict=True)
        videos = [self.videos[index] for index in indices]
        positions, padding = zip(*map(self._positions, videos, starts), strict=True)
        paths = [[video.paths[t] for t in rows] for video, rows in zip(videos, positions, strict=True)]
        labels = [
            (
                np.where(is_padding[:, None], np.int8(MISSING), video.au[rows]),
                np.where(is_padding, -1, video.frame[rows]),
            )
            for video, rows, is_padding in zip(videos, positions, padding, strict=True)
        ]
        au, frame = default_collate(labels)
        frames = features = color = None
        if self.features is not None:
            mirrored = [augmentation is not None and augmentation.flip for augmentation in augmentations]
            features = default_collate(
                [self.features.read(files, mirrored=flip) for files, flip in zip(paths, mirrored, strict=True)]
            )
        else:
            frames = _empty_bytes(len(keys), self.num_frames, self.crop_size, self.crop_size, 3)
            buffered = partial(read_frame, size=self.size, buffer=frame_buffer(self.size))
            read = self.stored_frames.read if self.stored_frames else buffered
            for files, augmentation, out in zip(paths, augmentations, frames.numpy(), strict=True):
                self._load(files, read, augmentation, out)
            frames = frames.movedim(-1, -3)
            if augmentations[0] is not None:
                color = torch.tensor([augmentation.color for augmentation in augmentations])
        return ClipBatch(frames, au, self.au_set.region_pattern(au), torch.tensor(indices), frame, features, color)

    def _positions(self, video: Video, start: int) -> tuple[np.ndarray, np.ndarray]:
        return clip_positions(start, num_frames=self.num_frames, stride=self.stride, length=len(video))

    def _load(
        self,
        paths: Sequence[str],
        read: Callable[[str], np.ndarray],
        augmentation: Augmentation | None,
        out: np.ndarray,
    ) -> None:
        """Write the frames in these image files to ``out``, ``(T, S, S, 3)`` uint8 with S the crop size."""
        resized = augmentation is None and self.size != self.crop_size
        frames = np.empty((len(paths), self.size, self.size, 3), np.uint8) if resized else out
        for t, path in enumerate(paths):
            if t and path == paths[t - 1]:  # padding
                frames[t] = frames[t - 1]
            elif augmentation is None:
                frames[t] = read(path)
            else:
                crop(read(path), augmentation, out=frames[t])
        if resized:
            out[:] = resize(torch.from_numpy(frames).movedim(-1, -3), self.crop_size).movedim(-3, -1).numpy()


class TrainingClips(Clips):
    """Random augmented clips, ``clips_per_video`` per video and epoch.

    The item at ``(epoch, index)`` depends only on the seed and these two numbers, so the number of workers does not
    matter and a resumed run samples the same clips. A plain ``index`` belongs to epoch 0. Warns once about videos
    shorter than a clip.

    Args:
        jitter: range of the factors for brightness, contrast and saturation.
        arguments: those of :class:`Clips`.
    """

    def __init__(
        self, *, seed: int, clips_per_video: int = 1, jitter: tuple[float, float] = (0.6, 1.4), **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        self.seed = seed
        self.clips_per_video = clips_per_video
        self.jitter = jitter
        self.span = self.stride * (self.num_frames - 1) + 1
        short = [video.name for video in self.videos if len(video) < self.span]
        if short:
            warnings.warn(
                f"{len(short)} of {len(self.videos)} training videos are shorter than a clip of {self.span} frames and "
                f"are padded with unlabeled copies of their last frame; the first is {short[0]}",
                stacklevel=2,
            )

    def __len__(self) -> int:
        return len(self.videos) * self.clips_per_video

    def locate(self, key: int | tuple[int, int]) -> tuple[int, int, Augmentation]:
        """Sample the position and the augmentation of a clip."""
        epoch, index = key if isinstance(key, tuple) else (0, key)
        rng = np.random.default_rng([_CLIP_STREAM, self.seed, epoch, index])
        video = index // self.clips_per_video
        start = int(rng.integers(max(1, len(self.videos[video]) - self.span + 1)))
        return video, start, sample_augmentation(rng, size=self.size, crop_size=self.crop_size, jitter=self.jitter)


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


class SequentialClips(Clips):
    """Consecutive clips that contain every frame of every video exactly once; the last clips of a video may be padded.

    Parameters are those of :class:`Clips`.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.segments = [
            (video, start)
            for video, frames in enumerate(self.videos)
            for start in segment_starts(len(frames), num_frames=self.num_frames, stride=self.stride)
        ]
        """Index of the video and position of the first frame of every segment."""

    def __len__(self) -> int:
        return len(self.segments)

    def positions(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions of the T frames of a segment in its video, and which of them are padding."""
        video, start = self.segments[index]
        return self._positions(self.videos[video], start)

    def locate(self, key: int) -> tuple[int, int, None]:
        """Return the video and the first frame of a segment."""
        return *self.segments[key], None


def clip_positions(start: int, *, num_frames: int, stride: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(T,)`` positions of a clip in a video of ``length`` frames and a ``(T,)`` mask of padding.

    Padding repeats the last position of the clip inside the video.
    """
    positions = start + stride * np.arange(num_frames)
    padding = positions >= length
    return np.where(padding, positions[~padding][-1], positions), padding


def unchanged(batch: Any) -> Any:
    """Return the argument: the collate function for :class:`Clips`, which load complete batches."""
    return batch


def one_thread(_: int) -> None:
    """Use one OpenCV thread per worker process."""
    cv2.setNumThreads(0)


def _empty_bytes(*shape: int) -> Tensor:
    """Return an uninitialized uint8 tensor. In a worker process its memory is shared, so sending it copies nothing."""
    if get_worker_info() is None:
        return torch.empty(shape, dtype=torch.uint8)
    storage = torch.UntypedStorage._new_shared(math.prod(shape))
    return torch.empty(0, dtype=torch.uint8).set_(storage).view(shape)
