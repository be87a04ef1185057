"""Train and test a network: ``mdhr train [experiment=...] [any.setting=value]``, see ``conf/train.yaml``.

A run lives in ``run_dir``: ``checkpoints/{best,last}.ckpt``, ``csv/``, ``predictions.parquet``, ``metrics.json``,
``model.yaml`` and ``model_card.md``.
An interrupted one goes on with ``ckpt_path=last`` and ends as if it had never been interrupted. With ``ckpt_path=auto``
the same command does what is left to do: nothing, the rest, or all of it; sweeps and folds are made of such runs.
"""

import logging
import os
import shlex
import shutil
import time
import warnings
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from lightning.pytorch import Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from omegaconf import DictConfig, OmegaConf

from mdhr.config.signals import Interrupted, stop_on_signals
from mdhr.config.validation import validate
from mdhr.data.datamodule import FaceVideoData
from mdhr.errors import InputError
from mdhr.inference.model_card import leave_card
from mdhr.training.checkpoint_file import check_fits, read_checkpoint
from mdhr.training.module import ActionUnitModule
from mdhr.training.run_folder import result_affecting_config, run_state, write_settings
from mdhr.training.run_record import FILE, read_record, test_record, write_record

_NOTHING_TO_MEND = (
    ".*does not have many workers",
    ".*LeafSpec",
    ".*exists and is not empty",  # a resumed run
)


def train(cfg: DictConfig) -> dict[str, Any]:
    """Train, choose the best epoch on the validation part, test it, and return what ``metrics.json`` says.

    With ``cfg.ckpt_path`` ``"auto"`` a run that is done is not run again, and one that was begun goes on.

    Raises ``InputError`` for a wrong setting, data or checkpoint, ``DivergedError`` if the loss is no number any more,
    and ``Interrupted`` with the command that goes on.
    """
    validate(cfg)
    run = Path(cfg.run_dir)
    if cfg.ckpt_path == "auto" and run_state(cfg) == "done":
        print(f"{run} is done and is not run again")
        return read_record(run)
    resume_from = _checkpoint_to_resume(cfg)
    settings = result_affecting_config(cfg)  # now: to instantiate settles ${run_dir} in place
    seed_everything(cfg.seed, workers=True, verbose=False)
    data: FaceVideoData = instantiate(cfg.data.module, _convert_="all")
    if resume_from is None:
        data.setup("fit")  # what is wrong with the data is said before pretrained weights are fetched
    module: ActionUnitModule = instantiate(cfg.module, _convert_="all")
    if resume_from is not None:
        check_fits(read_checkpoint(resume_from), module, resume_from)
    elif _first_process():
        (run / FILE).unlink(missing_ok=True)  # of a run that is replaced
        write_settings(run, settings)
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
            write_record(run, record)
            leave_card(run, settings, record, data.manifest)
            print(f"metrics, predictions and checkpoints are in {cfg.run_dir}")
        return record
    except Interrupted as stop:
        stop.message += f"; the last whole epoch is in {cfg.callbacks.last.path}; {_how_to_go_on(cfg)}"
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
    asked = cfg.ckpt_path
    if asked == "auto":
        asked = "last" if run_state(cfg) == "begun" else None
    if asked is not None:
        path = last if asked == "last" else Path(asked)
        if not path.is_file():
            raise InputError(f"ckpt_path={asked}: {path} is not there: leave ckpt_path out to begin a run")
        return path
    if last.exists() and _first_process():
        if not cfg.overwrite:
            raise InputError(
                f"{cfg.run_dir} holds a run: add ckpt_path=last to go on with it, name=... to begin another, "
                "or overwrite=true to replace it"
            )
        shutil.rmtree(last.parent)
    return None


def _first_process() -> bool:
    """Of those that train together."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


def _how_to_go_on(cfg: DictConfig) -> str:
    """The command that resumes from the last checkpoint."""
    if cfg.ckpt_path == "auto" and not cfg.overwrite:
        return "the same command goes on from here"
    overrides = list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []
    replaced = ("ckpt_path=", "overwrite=", "run_dir=")
    again = [override for override in overrides if not override.lstrip("+").startswith(replaced)]
    run_dir = f"'{cfg.run_dir}'" if set("=,") & set(cfg.run_dir) else cfg.run_dir  # a job of a sweep
    command = shlex.join([*again, f"run_dir={run_dir}", "ckpt_path=last"])
    return f"go on with: mdhr train {command}"
