"""Pretraining run: render the bank, train, and write the backbone's weights.

The paper starts from a backbone pretrained on ImageNet. Here, a bank of independent rendered frames replaces ImageNet.
Its dense, position-aware targets are the intensity of every action unit on both sides, head pose, gaze, blink, and
landmarks. Settings are in ``conf/pretrain.yaml``. An interrupted run resumes.
"""

from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from lightning.pytorch import seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from omegaconf import DictConfig, OmegaConf
from safetensors.torch import save

from mdhr.config.signals import resumable
from mdhr.files.atomic import write_bytes
from mdhr.files.folder_lock import locked_folder
from mdhr.network.backbone import Backbone
from mdhr.network.checkpoints.tensor_file import read_tensor_file
from mdhr.synthetic.pretraining_bank import PretrainingBank
from mdhr.training.checkpoint_file import check_training_state
from mdhr.training.pretraining.bank_datamodule import BankDataModule
from mdhr.training.pretraining.epoch_summary import EpochSummary
from mdhr.training.pretraining.pretraining_module import PretrainingModule
from mdhr.training.run_folder import check_same_settings, write_settings
from mdhr.training.trainer import build_trainer

_RESULT_NODES = ["seed", "backbone", "bank", "data", "module", "trainer"]
"""Settings that affect the weights."""


def pretrain(cfg: DictConfig) -> Path:
    """Render the bank, train, and write the backbone's weights. Return the path of the weights.

    Raises ``InputError`` if another process uses ``cfg.run_dir``, or if it contains a run with other settings.
    """
    settings: dict[str, Any] = OmegaConf.to_container(OmegaConf.masked_copy(cfg, _RESULT_NODES), resolve=True)  # type: ignore[assignment]
    settings["bank"].pop("root")
    bank: PretrainingBank = instantiate(cfg.bank)
    run, checkpoint = Path(cfg.run_dir), Path(cfg.run_dir) / "last.ckpt"
    with locked_folder(run, setting="run_dir"), resumable():
        if checkpoint.is_file():
            check_same_settings(run, settings, setting="run_dir")
            check_training_state(read_tensor_file(checkpoint), checkpoint)
        else:
            write_settings(run, settings)
        bank.run()
        seed_everything(cfg.seed, workers=True, verbose=False)
        data: BankDataModule = instantiate(cfg.data)(bank=bank)
        mean, std = data.target_moments()
        module: PretrainingModule = instantiate(cfg.module)(target_mean=mean, target_std=std)
        trainer = build_trainer(
            cfg.trainer,
            run=run,
            callbacks=[EpochSummary(), ModelCheckpoint(dirpath=run, filename="last", enable_version_counter=False)],
            loggers=[CSVLogger(run, name="", version="")],
        )
        trainer.fit(module, data, ckpt_path=checkpoint if checkpoint.is_file() else None, weights_only=True)
    weights = Path(cfg.weights)
    write_weights(weights, module.backbone)
    print(f"{weights}: weights of {cfg.backbone.name} ({weights.stat().st_size / 1e6:.1f} MB)")
    return weights


def write_weights(path: Path, backbone: Backbone) -> None:
    """Write the weights of a backbone as safetensors, with timm's parameter names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, save({key: value.contiguous() for key, value in backbone.model.state_dict().items()}))
