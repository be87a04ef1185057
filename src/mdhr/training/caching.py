"""Store frames or feature maps of a data set on disk, so that training does not decode or compute them again."""

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
    """Store the frames of the data set where ``data.module.frames`` says.

    Raises ``InputError`` if it says nothing, if the data set cannot be read, or the disk is too small.
    """
    if not cfg.data.module.frames:
        raise InputError("data.module.frames is not set: say data.module.frames=<a folder to store the frames in>")
    folder = Path(cfg.data.module.frames)
    manifest = instantiate(cfg.data.module.source)(au_set=instantiate(cfg.data.au_set))
    try:
        StoredFrames(folder, manifest=manifest)
        return
    except InputError:  # none, or outdated ones
        pass
    with stop_on_signals():
        write_stored_frames(folder, manifest=manifest)
    print(f"the frames are in {folder}: train with data.module.frames={folder}")


def store_features(cfg: DictConfig) -> None:
    """Store the maps that the settings of a training name, if they name any.

    Raises ``InputError`` for a wrong setting or data.
    """
    if not cfg.data.module.get("features"):
        return
    validate(cfg)
    folder, crop_size = Path(cfg.data.module.features), cfg.data.crop_size
    manifest = instantiate(cfg.data.module.source)(au_set=instantiate(cfg.data.au_set))
    backbone: Backbone = instantiate(cfg.backbone, _convert_="all").eval()
    fingerprint = backbone.fingerprint()
    try:
        StoredFeatures(folder, manifest=manifest, crop_size=crop_size).check_backbone(fingerprint)
        return
    except InputError:  # none, or outdated ones
        pass
    with stop_on_signals(), torch.inference_mode():
        write_stored_features(
            folder,
            manifest=manifest,
            crop_size=crop_size,
            pack=lambda frames: backbone.pack(backbone(frames)),
            fingerprint=fingerprint,
        )
    print(f"the feature maps of the frozen backbone are in {folder}")
