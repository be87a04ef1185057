"""Data module of one experiment: training, validation and test split of one fold.

Protocols:

- ``honest``: the validation split is a part of the training subjects. The test fold is scored once, with the selected
  checkpoint.
- ``paper``: the test fold is also the validation split, so the checkpoint is selected on the test fold, as in the
  released code. Results are optimistic; use it to compare with published results.

Report the protocol with every result.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader

from mdhr.action_units import MISSING, ActionUnitSet
from mdhr.batch import ClipBatch
from mdhr.config.ranges import (
    BatchSize,
    CropSize,
    FactorRange,
    Fold,
    FrameStride,
    Name,
    NumFrames,
    NumWorkers,
    OpenShare,
    PositiveInt,
    Protocol,
    Seed,
)
from mdhr.data.dataset import SequentialClips, TrainingClips, one_thread, unchanged
from mdhr.data.prepared.drop_list import without_dropped
from mdhr.data.prepared.feature_cache import StoredFeatures
from mdhr.data.prepared.frame_cache import StoredFrames
from mdhr.data.prepared.manifest import Manifest, Video
from mdhr.data.sampler import EpochSampler, SegmentSampler, resume_epoch
from mdhr.data.subject_split import Split, split_subjects
from mdhr.data.transforms import jitter_and_normalize, normalize
from mdhr.errors import InputError, listed, shown
from mdhr.files.worker_pool import data_loader_context


class FaceVideoData(LightningDataModule):
    """Clips of face videos for one fold of a data set.

    Args:
        source: returns the manifest when ``setup`` calls it with ``au_set=``, such as a partial of ``read_manifest``.
        fold: number of the test fold.
        protocol: ``honest`` or ``paper``, see above.
        num_frames: T, frames of a clip.
        crop_size: width and height of the network's input in pixels.
        clips_per_video: random clips per training video and epoch (paper: 1).
        frame_stride: number of frames from one frame of a clip to the next.
        validation_fraction: share of the training subjects in the validation split of protocol ``honest``, sampled with
            ``seed``.
        train_suffix: train and validate only with subjects whose names end in it, such as ``-ict`` for one head model of
            rendered faces; empty for all.
        drop_list: file of excluded frames, see :mod:`mdhr.data.prepared.drop_list`.
        jitter: range of the factors for brightness, contrast and saturation.
        features: folder of stored feature maps of a frozen backbone, which replace the frames.
        frames: folder of decoded frames, which replace the image files.

    Raises ``InputError`` from ``setup`` if the fold does not exist, a split is empty, the frames are smaller than the
    crop, or ``features`` or ``frames`` were stored from other data.
    """

    def __init__(
        self,
        *,
        source: Callable[..., Manifest],
        au_set: ActionUnitSet,
        protocol: Protocol,
        fold: Fold,
        num_frames: NumFrames,
        crop_size: CropSize,
        batch_size: BatchSize,
        seed: Seed,
        clips_per_video: PositiveInt = 1,
        frame_stride: FrameStride = 1,
        validation_fraction: OpenShare = 0.2,
        train_suffix: str = "",
        drop_list: Name | None = None,
        jitter: FactorRange = (0.6, 1.4),
        features: Name | None = None,
        frames: Name | None = None,
        num_workers: NumWorkers = 0,
    ) -> None:
        super().__init__()
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
        self.train_suffix = train_suffix
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
        """Manifest without dropped frames."""
        self.setup()
        assert self._manifest is not None
        return self._manifest

    def setup(self, stage: str | None = None) -> None:
        """Read the manifest and split its videos. Later calls do nothing."""
        if self._manifest is not None:
            return
        manifest = complete = self.source(au_set=self.au_set)
        if self.drop_list is not None:
            manifest = without_dropped(complete, self.drop_list)
        if self.crop_size > manifest.size:
            raise InputError(
                f"data.crop_size={self.crop_size} exceeds the frame size of {manifest.root}, {manifest.size} px. "
                "Lower data.crop_size or prepare larger frames with data.prepare.size."
            )
        subjects = self.split_subjects(manifest)
        videos = manifest.videos()
        self._videos = {
            split: [video for video in videos if video.subject in chosen] for split, chosen in subjects.items()
        }
        self.stored_features = (
            StoredFeatures(self.features, manifest=complete, crop_size=self.crop_size) if self.features else None
        )
        self.stored_frames = StoredFrames(self.frames, manifest=complete) if self.frames else None
        self._manifest = manifest

    def split_subjects(self, manifest: Manifest) -> dict[Split, frozenset[str]]:
        """Return the subjects of every split; see :func:`mdhr.data.subject_split.split_subjects`."""
        fraction, suffix = self.validation_fraction, self.train_suffix
        return split_subjects(
            manifest, fold=self.fold, protocol=self.protocol, fraction=fraction, seed=self.seed, train_suffix=suffix
        )

    def videos(self, split: Split) -> list[Video]:
        """Return the videos of a split. ``ClipBatch.video`` is an index into this list."""
        self.setup()
        return self._videos[split]

    def keep_test_subjects(self, suffix: str) -> None:
        """Test only subjects whose names end in ``suffix``. Raises ``InputError`` if there are none."""
        videos = [video for video in self.videos("test") if video.subject.endswith(suffix)]
        if not videos:
            names = listed(sorted({video.subject for video in self.videos("test")}))
            raise InputError(
                f"test_suffix={shown(suffix)}: no test subject of {self.manifest.name} has a name that ends in it; expected an "
                f"ending of {names}."
            )
        self._videos["test"] = videos

    def class_rates(self) -> Tensor:
        """Return ``(N,)`` float64: share of occurrences of every action unit among the training frames with its label.

        Raises ``InputError`` if an action unit has no labels.
        """
        au = np.concatenate([video.au for video in self.videos("train")])
        known = (au != MISSING).sum(0)
        if not known.all():
            raise InputError(
                f"no training frame of fold {self.fold} has a label of {self.au_set.columns[int(known.argmin())]}. "
                "Check the labels with `mdhr check`."
            )
        return torch.from_numpy((au == 1).sum(0) / known)

    def train_dataloader(self) -> DataLoader[ClipBatch]:
        """Return random clips in random order."""
        dataset = TrainingClips(
            **self._dataset_arguments("train"), seed=self.seed, clips_per_video=self.clips_per_video, jitter=self.jitter
        )
        sampler = EpochSampler(dataset, seed=self.seed, **self._process())
        loader = self._loader(dataset, sampler)
        if self.trainer is not None:
            resume_epoch(sampler, self.trainer, num_batches=len(loader), batch_size=self.batch_size)
        return loader

    def val_dataloader(self) -> DataLoader[ClipBatch]:
        """Return consecutive segments of the validation videos."""
        return self._segments("val")

    def test_dataloader(self) -> DataLoader[ClipBatch]:
        """Return consecutive segments of the test videos."""
        return self._segments("test")

    def on_after_batch_transfer(self, batch: ClipBatch, dataloader_idx: int) -> ClipBatch:
        """Change colors and normalize on the device of the network: copying uint8 moves a quarter of the bytes."""
        if (frames := batch.frames) is not None:
            frames = normalize(frames) if batch.color is None else jitter_and_normalize(frames, batch.color)
        return batch._replace(frames=frames, color=None)

    def _dataset_arguments(self, split: Split) -> dict[str, Any]:
        """Return the arguments that both data sets share."""
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
        dataset = SequentialClips(**self._dataset_arguments(split))
        return self._loader(dataset, SegmentSampler(dataset, **self._process()))

    def _loader(
        self, dataset: TrainingClips | SequentialClips, sampler: EpochSampler | SegmentSampler
    ) -> DataLoader[ClipBatch]:
        return DataLoader(
            dataset,
            batch_size=self.batch_size,
            sampler=sampler,
            collate_fn=unchanged,
            num_workers=self.num_workers,
            multiprocessing_context=data_loader_context(self.num_workers),
            persistent_workers=self.num_workers > 0,
            pin_memory=self.trainer is not None and self.trainer.strategy.root_device.type == "cuda",
            worker_init_fn=one_thread,
        )

    def _process(self) -> dict[str, int]:
        return {"rank": self.trainer.global_rank, "world_size": self.trainer.world_size} if self.trainer else {}
