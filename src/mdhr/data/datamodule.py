"""The data of one experiment: who trains, who chooses the epoch, who is tested.

Protocols (say which beside every number):

- ``honest``: a subject-disjoint part of the training subjects is the validation set; the test fold is touched once.
- ``paper``: the test fold is the validation set too, as in the released code. For comparison with published figures.
"""

import warnings
from collections.abc import Callable
from typing import Any, Literal

import cv2
import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader

from mdhr.action_units import MISSING, ActionUnitSet
from mdhr.batch import ClipBatch
from mdhr.data.dataset import SequentialClips, TrainingClips, collate_clips
from mdhr.data.prepared.drop_list import without_dropped
from mdhr.data.prepared.feature_cache import StoredFeatures
from mdhr.data.prepared.frame_cache import StoredFrames
from mdhr.data.prepared.manifest import Manifest, Video
from mdhr.data.sampler import EpochSampler, SegmentSampler
from mdhr.data.transforms import normalize
from mdhr.errors import InputError

Split = Literal["train", "val", "test"]
_SPLIT = 3
"""Keeps the random numbers of the split apart from those of other users of the same seed."""


class FaceVideoData(LightningDataModule):
    """Clips of face videos for one fold of one data set.

    Parameters
    ----------
    source: gives the manifest when called with ``au_set=``, e.g. a partial of ``read_manifest``; read in ``setup``.
    fold: number of the test fold.
    num_frames: T, frames of a clip; ``frame_stride`` of the video's frames lie between two of them.
    crop_size: width and height of what the network sees, in pixels.
    clips_per_video: random clips of every training video in an epoch (paper: 1).
    validation_fraction: part of the training subjects that protocol ``honest`` sets aside, drawn by ``seed``.
    drop_list: file of frames that take no part, see ``drop_list``.
    jitter: range of the factors for brightness, contrast and saturation.
    maps: folder of the maps of a frozen backbone, which then take the place of the frames, see ``stored_features``.
    frames: folder of the frames as pixels, which are read instead of the image files, see ``stored_frames``.

    Raises ``InputError`` from ``setup`` if the fold is unknown, a split would be empty, the frames are smaller
    than the crop, or ``maps`` or ``frames`` are not those of this data.
    """

    def __init__(
        self,
        *,
        source: Callable[..., Manifest],
        au_set: ActionUnitSet,
        protocol: Literal["honest", "paper"],
        fold: int,
        num_frames: int,
        crop_size: int,
        batch_size: int,
        seed: int,
        clips_per_video: int = 1,
        frame_stride: int = 1,
        validation_fraction: float = 0.2,
        drop_list: str | None = None,
        jitter: tuple[float, float] = (0.6, 1.4),
        features: str | None = None,
        frames: str | None = None,
        num_workers: int = 0,
    ) -> None:
        super().__init__()
        if protocol not in ("honest", "paper"):
            raise InputError(f"unknown protocol {protocol!r}: use honest or paper")
        self.source = source
        self.au_set = au_set
        self.protocol = protocol
        self.fold = fold
        self.num_frames = num_frames
        self.crop_size = crop_size
        self.batch_size = batch_size
        self.seed = seed
        self.clips_per_video = clips_per_video
        self.frame_stride = frame_stride
        self.validation_fraction = validation_fraction
        self.drop_list = drop_list
        self.jitter = (float(jitter[0]), float(jitter[1]))
        self.features = features
        self.frames = frames
        self.stored_features: StoredFeatures | None = None
        self.stored_frames: StoredFrames | None = None
        self.num_workers = num_workers
        self._manifest: Manifest | None = None
        self._videos: dict[str, list[Video]] = {}

    @property
    def manifest(self) -> Manifest:
        """What the source gave."""
        self.setup()
        assert self._manifest is not None
        return self._manifest

    def setup(self, stage: str | None = None) -> None:
        """Read the manifest and divide its videos, once."""
        if self._manifest is not None:
            return
        manifest = whole = self.source(au_set=self.au_set)
        if self.drop_list is not None:
            manifest = without_dropped(whole, self.drop_list)
        if self.crop_size > manifest.size:
            raise InputError(
                f"crop_size {self.crop_size} exceeds the frames of {manifest.root}, which are {manifest.size} px: "
                "lower data.crop_size or prepare larger frames"
            )
        subjects = split_subjects(
            manifest, fold=self.fold, protocol=self.protocol, fraction=self.validation_fraction, seed=self.seed
        )
        videos = manifest.videos()
        self._videos = {
            split: [video for video in videos if video.subject in chosen] for split, chosen in subjects.items()
        }
        self.stored_features = (
            StoredFeatures(self.features, manifest=whole, crop_size=self.crop_size) if self.features else None
        )
        self.stored_frames = StoredFrames(self.frames, manifest=whole) if self.frames else None
        self._manifest = manifest

    def videos(self, split: Split) -> list[Video]:
        """The videos of a split; ``ClipBatch.video`` of its batches is the position in this list."""
        self.setup()
        return self._videos[split]

    def class_rates(self) -> Tensor:
        """``(N,)`` float64: how often every action unit occurs among the training frames that have its label."""
        au = np.concatenate([video.au for video in self.videos("train")])
        known = (au != MISSING).sum(0)
        if not known.all():
            raise InputError(
                f"no training frame of fold {self.fold} has a label of {self.au_set.columns[int(known.argmin())]}"
            )
        return torch.from_numpy((au == 1).sum(0) / known)

    def train_dataloader(self) -> DataLoader[ClipBatch]:
        """Random clips in random order."""
        dataset = TrainingClips(
            **self._common("train"), seed=self.seed, clips_per_video=self.clips_per_video, jitter=self.jitter
        )
        rank, world_size = self._process()
        sampler = EpochSampler(dataset, seed=self.seed, rank=rank, world_size=world_size)
        loader = self._loader(dataset, sampler)
        self._continue(sampler, num_batches=len(loader))
        return loader

    def val_dataloader(self) -> DataLoader[ClipBatch]:
        """Consecutive segments of the validation videos."""
        return self._segments("val")

    def test_dataloader(self) -> DataLoader[ClipBatch]:
        """Consecutive segments of the test fold."""
        return self._segments("test")

    def on_after_batch_transfer(self, batch: ClipBatch, dataloader_idx: int) -> ClipBatch:
        """Normalize where the network runs: a byte a value crosses the bus, not four. Stored maps are what they are."""
        return batch if batch.frames is None else batch._replace(frames=normalize(batch.frames))

    def _common(self, split: Split) -> dict[str, Any]:
        """What clips of training and of testing are made of."""
        return {
            "videos": self.videos(split),
            "au_set": self.au_set,
            "size": self.manifest.size,
            "crop_size": self.crop_size,
            "num_frames": self.num_frames,
            "stride": self.frame_stride,
            "features": self.stored_features,
            "stored_frames": self.stored_frames,
        }

    def _segments(self, split: Split) -> DataLoader[ClipBatch]:
        dataset = SequentialClips(**self._common(split))
        rank, world_size = self._process()
        return self._loader(dataset, SegmentSampler(dataset, rank=rank, world_size=world_size))

    def _loader(
        self, dataset: TrainingClips | SequentialClips, sampler: EpochSampler | SegmentSampler
    ) -> DataLoader[ClipBatch]:
        return DataLoader(
            dataset,
            batch_size=self.batch_size,
            sampler=sampler,
            collate_fn=collate_clips,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=_one_thread,
        )

    def _continue(self, sampler: EpochSampler, *, num_batches: int) -> None:
        """Let a resumed trainer go on with the batch that it would have drawn next.

        Workers begin to draw before a resumed trainer tells the sampler its epoch, and it never says how much of
        that epoch was done, so ask its counters.
        """
        if self.trainer is None:
            return
        fit_loop = self.trainer.fit_loop
        sampler.epoch = fit_loop.epoch_progress.current.processed  # type: ignore[attr-defined]
        batches = fit_loop.epoch_loop.batch_progress.current.processed  # type: ignore[attr-defined]
        if fit_loop.epoch_progress.current.ready == sampler.epoch:  # between two epochs
            return
        sampler.epoch += batches // num_batches
        sampler.num_skipped = batches % num_batches * self.batch_size
        # Lightning cannot know this and warns that the rest of the epoch is unreliable.
        warnings.filterwarnings("ignore", message=".*ended before the epoch ended and your dataloader is not resumable")

    def _process(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)


def split_subjects(
    manifest: Manifest, *, fold: int, protocol: str, fraction: float, seed: int
) -> dict[Split, frozenset[str]]:
    """Who trains, validates and is tested; raises ``InputError`` if the fold is unknown or a split is empty."""
    if fold not in manifest.folds:
        known = ", ".join(str(number) for number in sorted(manifest.folds))
        raise InputError(f"{manifest.name} has no fold {fold}: set data.fold to one of {known}")
    present = set(manifest.table["subject"])
    test = present & set(manifest.folds[fold])
    train = sorted(present - test)
    if protocol == "paper":
        val = test
    else:
        num_val = max(1, round(fraction * len(train)))
        order = np.random.default_rng([_SPLIT, seed, fold]).permutation(len(train))
        val = {train[i] for i in order[:num_val]}
    splits: dict[Split, set[str]] = {"train": set(train) - (val - test), "val": val, "test": test}
    for split, subjects in splits.items():
        if not subjects:
            raise InputError(
                f"fold {fold} of {manifest.name} leaves nobody for split {split} ({len(present)} subjects in "
                f"{manifest.root}): add subjects or change data.fold, data.protocol or validation_fraction"
            )
    return {split: frozenset(subjects) for split, subjects in splits.items()}


def _one_thread(_: int) -> None:
    """Workers are the parallelism; threads inside them only get in each other's way."""
    cv2.setNumThreads(0)
