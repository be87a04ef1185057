"""Training runs: train, select the best epoch on the validation split, test once, write the results.

The run folder contains ``settings.yaml``, ``subjects.json``, ``seconds.json``, ``csv/``,
``checkpoints/{best,last}.ckpt``, ``predictions.parquet``, the files of the record callbacks, and ``metrics.json``,
which is written last. An interrupted run that resumes from its last checkpoint ends with the same results.
"""

import logging
import os
import shlex
import shutil
import time
import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from lightning.pytorch import Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from omegaconf import DictConfig, OmegaConf

from mdhr.config.processes import is_first_process
from mdhr.config.signals import Interrupted, stop_on_signals
from mdhr.config.validation import validate
from mdhr.data.datamodule import FaceVideoData
from mdhr.data.provenance import is_rendered
from mdhr.errors import InputError
from mdhr.training.checkpoint_file import check_fits, read_checkpoint
from mdhr.training.elapsed_time import SECONDS_FILE, read_seconds, stopwatch
from mdhr.training.module import ActionUnitModule
from mdhr.training.run_folder import result_affecting_config, run_state, write_settings, write_subjects
from mdhr.training.run_record import (
    METRICS_FILE,
    RecordCallback,
    config_choices,
    make_record,
    read_record,
    write_record,
)

_IRRELEVANT_WARNINGS = (
    ".*does not have many workers",
    ".*LeafSpec",
    ".*exists and is not empty",  # a resumed run
)


def train(cfg: DictConfig) -> dict[str, Any]:
    """Train and test one network and return the record in ``metrics.json``.

    With ``cfg.ckpt_path="auto"`` a complete run is not repeated and an incomplete run resumes.

    Raises ``InputError`` for wrong settings, data or checkpoints, ``DivergedError`` if the loss becomes NaN or
    infinite, and ``Interrupted`` with the command that resumes.
    """
    validate(cfg)
    run = Path(cfg.run_dir)
    if cfg.ckpt_path == "auto" and run_state(cfg) == "complete":
        print(f"{run} is complete and is not repeated")
        return read_record(run)
    resume_from = _checkpoint_to_resume(cfg)
    settings = result_affecting_config(cfg)  # before instantiate, which resolves ${run_dir} in place
    seed_everything(cfg.seed, workers=True, verbose=False)
    data: FaceVideoData = instantiate(cfg.data.module, _convert_="all")
    if resume_from is None:
        data.setup("fit")  # errors in the data are reported before pretrained weights are downloaded
    module: ActionUnitModule = instantiate(cfg.module, _convert_="all")
    if resume_from is not None:
        check_fits(read_checkpoint(resume_from), module, resume_from)
    elif is_first_process():
        for file in (METRICS_FILE, SECONDS_FILE):
            (run / file).unlink(missing_ok=True)  # of a run that is replaced
        write_settings(run, settings)
        write_subjects(run, data)
    trainer = build_trainer(cfg)
    for logger in trainer.loggers:
        logger.log_hyperparams(OmegaConf.to_container(cfg, resolve=True))  # type: ignore[arg-type]
    try:
        with stop_on_signals():
            return _fit_and_test(cfg, settings, trainer, module, data, resume_from)
    except Interrupted as stop:
        stop.message += f"; the last complete epoch is in {cfg.callbacks.last.path}; {_how_to_resume(cfg)}"
        raise
    finally:
        if "wandb" in cfg.logger:  # or the next job of a multirun would log into this run
            import wandb

            wandb.finish()


def build_trainer(cfg: DictConfig) -> Trainer:
    """Return the trainer with its callbacks and loggers."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for message in _IRRELEVANT_WARNINGS:
        warnings.filterwarnings("ignore", message=message)
    return instantiate(
        cfg.trainer,
        callbacks=[instantiate(callback) for callback in (cfg.callbacks or {}).values()],
        logger=[instantiate(logger) for logger in (cfg.logger or {}).values()] or False,
    )


def _fit_and_test(
    cfg: DictConfig,
    settings: dict[str, Any],
    trainer: Trainer,
    module: ActionUnitModule,
    data: FaceVideoData,
    resume_from: Path | None,
) -> dict[str, Any]:
    run = Path(cfg.run_dir)
    with stopwatch(run, "train") if is_first_process() else nullcontext():
        trainer.fit(module, datamodule=data, ckpt_path=resume_from, weights_only=True)
    tested = time.perf_counter()
    best = trainer.checkpoint_callback
    assert isinstance(best, ModelCheckpoint)
    trainer.test(module, datamodule=data, ckpt_path=best.best_model_path, verbose=False, weights_only=True)
    record = {
        "name": cfg.name,
        "choices": config_choices(settings["network"]),
        **make_record(module, settings),
        "validation_f1_mean": float(best.best_model_score),  # type: ignore[arg-type]
        "checkpoint": os.path.relpath(best.best_model_path),
        "seconds": {"train": read_seconds(run).get("train"), "evaluate": time.perf_counter() - tested},
    }
    if is_rendered(cfg.data.name):
        record["seconds"] = {"render": read_seconds(Path(cfg.data.prepared)).get("render"), **record["seconds"]}
    if trainer.is_global_zero:
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, RecordCallback):
                callback.on_record(run, settings, record, data.manifest)
        write_record(run, record)
        print(f"metrics, predictions and checkpoints are in {cfg.run_dir}")
    return record


def _checkpoint_to_resume(cfg: DictConfig) -> Path | None:
    """Return the checkpoint to resume from, or None for a new run.

    Raises ``InputError`` if the checkpoint does not exist, or if a new run would replace another one without
    ``cfg.overwrite``.
    """
    last = Path(cfg.callbacks.last.path)
    requested = cfg.ckpt_path
    if requested == "auto":
        requested = "last" if run_state(cfg) == "incomplete" else None
    if requested is not None:
        path = last if requested == "last" else Path(requested)
        if not path.is_file():
            raise InputError(f"ckpt_path={requested}: {path} does not exist. Omit ckpt_path to start a new run.")
        return path
    if last.exists() and is_first_process():
        if not cfg.overwrite:
            raise InputError(
                f"{cfg.run_dir} contains a run. Pass ckpt_path=last to resume it, name=... to start another run, "
                "or overwrite=true to replace it."
            )
        shutil.rmtree(last.parent)
    return None


def _how_to_resume(cfg: DictConfig) -> str:
    if cfg.ckpt_path == "auto" and not cfg.overwrite:
        return "the same command resumes"
    overrides = list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []
    replaced = ("ckpt_path=", "overwrite=", "run_dir=")
    kept = [override for override in overrides if not override.lstrip("+").startswith(replaced)]
    run_dir = f"'{cfg.run_dir}'" if set("=,") & set(cfg.run_dir) else cfg.run_dir  # a job of a sweep
    return f"resume with: mdhr train {shlex.join([*kept, f'run_dir={run_dir}', 'ckpt_path=last'])}"
