"""Pretraining run: render the bank, train, and write the backbone's weights.

The paper starts from a backbone pretrained on ImageNet. Here, a bank of independent rendered frames replaces ImageNet.
Its dense, position-aware targets are the intensity of every action unit on both sides, head pose, gaze, blink, and
landmarks. Settings are in ``conf/pretrain.yaml``. An interrupted run resumes.
"""

import logging
import warnings
from pathlib import Path

from hydra.utils import instantiate
from lightning.pytorch import seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from omegaconf import DictConfig
from safetensors.torch import save

from mdhr.config.signals import resumable
from mdhr.files.atomic import write_bytes
from mdhr.network.backbone import Backbone
from mdhr.synthetic.pretraining_bank import PretrainingBank
from mdhr.training.pretraining.bank_datamodule import BankDataModule
from mdhr.training.pretraining.epoch_summary import EpochSummary
from mdhr.training.pretraining.pretraining_module import PretrainingModule


def pretrain(cfg: DictConfig) -> Path:
    """Render the bank, train, and write the backbone's weights. Return the path of the weights."""
    bank: PretrainingBank = instantiate(cfg.bank)
    with resumable():
        bank.run()
        seed_everything(cfg.seed, workers=True, verbose=False)
        data: BankDataModule = instantiate(cfg.data)(bank=bank)
        mean, std = data.target_moments()
        module: PretrainingModule = instantiate(cfg.module)(target_mean=mean, target_std=std)
        logging.getLogger("lightning.pytorch.utilities.rank_zero").setLevel(logging.WARNING)
        warnings.filterwarnings("ignore", message=".*does not have many workers|.*exists and is not empty|.*LeafSpec")
        run_dir = Path(cfg.run_dir)
        callbacks = [EpochSummary(), ModelCheckpoint(dirpath=run_dir, filename="last", enable_version_counter=False)]
        trainer = instantiate(cfg.trainer, callbacks=callbacks, logger=CSVLogger(run_dir, name="", version=""))
        checkpoint = run_dir / "last.ckpt"
        trainer.fit(module, data, ckpt_path=checkpoint if checkpoint.is_file() else None, weights_only=True)
    weights = Path(cfg.weights)
    write_weights(weights, module.backbone)
    print(f"{weights}: weights of {cfg.backbone.name} ({weights.stat().st_size / 1e6:.1f} MB)")
    return weights


def write_weights(path: Path, backbone: Backbone) -> None:
    """Write the weights of a backbone as safetensors, with timm's parameter names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, save({key: value.contiguous() for key, value in backbone.model.state_dict().items()}))
