"""Train and test a network: ``python -m mdhr.train [experiment=...] [any.setting=value]``, see ``conf/train.yaml``.

A run lives in ``run_dir``: ``checkpoints/{best,last}.ckpt``, ``csv/``, ``predictions.parquet`` and ``metrics.json``.
An interrupted one goes on with ``ckpt_path=last`` and ends as if it had never been interrupted.
"""

import logging
import os
import shlex
import shutil
import sys
import time
import warnings
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from lightning.pytorch import LightningDataModule, Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from omegaconf import DictConfig, OmegaConf

from mdhr.checkpoints import check_fits, read_checkpoint
from mdhr.configuration import validate
from mdhr.entry import Interrupted, entry_point, stop_on_signals
from mdhr.errors import InputError
from mdhr.module import ActionUnitModule
from mdhr.record import test_record, write_record

_NOTHING_TO_MEND = (
    ".*does not have many workers",
    ".*LeafSpec",
    ".*exists and is not empty",  # a resumed run
)


def train(cfg: DictConfig) -> dict[str, Any]:
    """Train, choose the best epoch on the validation part, test it, and return what ``metrics.json`` says.

    Raises ``InputError`` for a wrong setting, data or checkpoint, ``DivergedError`` if the loss is no number any more,
    and ``Interrupted`` with the command that goes on.
    """
    validate(cfg)
    resume_from = _checkpoint_to_resume(cfg)
    seed_everything(cfg.seed, workers=True, verbose=False)
    data: LightningDataModule = instantiate(cfg.data.module, _convert_="all")
    module: ActionUnitModule = instantiate(cfg.module, _convert_="all")
    if resume_from is not None:
        check_fits(read_checkpoint(resume_from), module, resume_from)
    trainer = build_trainer(cfg)
    for logger in trainer.loggers:
        logger.log_hyperparams(OmegaConf.to_container(cfg, resolve=True))  # type: ignore[arg-type]

    try:
        with stop_on_signals():
            started = time.perf_counter()
            trainer.fit(module, datamodule=data, ckpt_path=resume_from, weights_only=True)
            trained = time.perf_counter()
            best = trainer.checkpoint_callback
            assert isinstance(best, ModelCheckpoint)
            trainer.test(module, datamodule=data, ckpt_path=best.best_model_path, verbose=False, weights_only=True)
        record = {
            "name": cfg.name,
            **test_record(module, cfg),
            "validation_f1_mean": float(best.best_model_score),  # type: ignore[arg-type]
            "checkpoint": os.path.relpath(best.best_model_path),
            "seconds": {"train": trained - started, "evaluate": time.perf_counter() - trained},
        }
        if trainer.is_global_zero:
            write_record(Path(cfg.run_dir), record)
            print(f"metrics, predictions and checkpoints are in {cfg.run_dir}")
        return record
    except Interrupted as stop:
        stop.message += f"; the last whole epoch is in {_how_to_go_on(cfg)}"
        raise
    finally:
        if "wandb" in cfg.logger:  # or the next job of a multirun would log into this one's run
            import wandb

            wandb.finish()


def build_trainer(cfg: DictConfig) -> Trainer:
    """The trainer with its callbacks and loggers."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # advertisements, among others
    for message in _NOTHING_TO_MEND:
        warnings.filterwarnings("ignore", message=message)
    return instantiate(
        cfg.trainer,
        callbacks=[instantiate(callback) for callback in (cfg.callbacks or {}).values()],
        logger=[instantiate(logger) for logger in (cfg.logger or {}).values()] or False,
    )


def _checkpoint_to_resume(cfg: DictConfig) -> Path | None:
    """Where to go on; keeps a run from being overwritten by mistake."""
    last = Path(cfg.callbacks.last.path)
    if cfg.ckpt_path is not None:
        path = last if cfg.ckpt_path == "last" else Path(cfg.ckpt_path)
        if not path.is_file():
            raise InputError(f"ckpt_path={cfg.ckpt_path}: {path} is not there: leave ckpt_path out to begin a run")
        return path
    if last.exists() and os.environ.get("LOCAL_RANK", "0") == "0":
        if not cfg.overwrite:
            raise InputError(
                f"{cfg.run_dir} holds a run: add ckpt_path=last to go on with it, name=... to begin another, "
                "or overwrite=true to replace it"
            )
        shutil.rmtree(last.parent)
    return None


def _how_to_go_on(cfg: DictConfig) -> str:
    """The last checkpoint and the command that resumes from it."""
    overrides = list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []
    replaced = ("ckpt_path=", "overwrite=", "run_dir=")
    again = [override for override in overrides if not override.lstrip("+").startswith(replaced)]
    command = shlex.join([*again, f"run_dir={cfg.run_dir}", "ckpt_path=last"])
    return f"{cfg.callbacks.last.path}; go on with: {Path(sys.executable).name} -m mdhr.train {command}"


@entry_point("train")
def main(cfg: DictConfig) -> float:
    """The validation F1 of the chosen epoch: what a sweep may look at."""
    return train(cfg)["validation_f1_mean"]


if __name__ == "__main__":
    main()
