"""Caches of decoded frames and of feature maps on disk, computed once and read by all training runs."""

from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig

from mdhr.config.signals import stop_on_signals
from mdhr.config.validation import validate
from mdhr.data.prepared.feature_cache import StoredFeatures, write_stored_features
from mdhr.data.prepared.frame_cache import StoredFrames, write_stored_frames
from mdhr.errors import InputError
from mdhr.network.backbone import Backbone


def store_frames(cfg: DictConfig) -> None:
    """Store the decoded frames of the data set in the folder ``data.module.frames``, unless they are up to date.

    Raises ``InputError`` if ``data.module.frames`` is not set, the data set cannot be read, or the disk has too little
    space.
    """
    if not cfg.data.module.frames:
        raise InputError("data.module.frames is not set. Set it to the folder to store the frames in.")
    folder = Path(cfg.data.module.frames)
    manifest = instantiate(cfg.data.module.source)(au_set=instantiate(cfg.data.au_set))
    try:
        StoredFrames(folder, manifest=manifest)
        return
    except InputError:  # missing or outdated
        pass
    with stop_on_signals():
        write_stored_frames(folder, manifest=manifest)
    print(f"Stored the frames in {folder}. To use them, train with data.module.frames={folder}.")


def store_features(cfg: DictConfig) -> None:
    """Store the feature maps of the frozen backbone in the folder ``data.module.features``, unless they are up to date.

    If ``data.module.features`` is not set, nothing is stored. Raises ``InputError`` for invalid settings or data.
    """
    validate(cfg)
    if not cfg.data.module.get("features"):
        return
    folder, crop_size = Path(cfg.data.module.features), cfg.data.crop_size
    manifest = instantiate(cfg.data.module.source)(au_set=instantiate(cfg.data.au_set))
    backbone: Backbone = instantiate(cfg.backbone, _convert_="all").eval()
    fingerprint = backbone.fingerprint()
    try:
        StoredFeatures(folder, manifest=manifest, crop_size=crop_size).check_backbone(fingerprint)
        return
    except InputError:  # missing or outdated
        pass
    with stop_on_signals(), torch.inference_mode():
        write_stored_features(
            folder,
            manifest=manifest,
            crop_size=crop_size,
            pack=lambda frames: backbone.pack(backbone(frames)),
            fingerprint=fingerprint,
        )
    print(f"Stored the feature maps of the frozen backbone in {folder}.")
