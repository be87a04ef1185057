"""Training runs: train, select the best epoch on the validation split, test once, write the results.

The run folder contains ``settings.yaml``, ``subjects.json``, ``seconds.json``, ``csv/``,
``checkpoints/{best,last}.ckpt``, ``predictions.parquet``, the files of the record callbacks, and ``metrics.json``,
which is written last. An interrupted run that resumes from its last checkpoint ends with the same results.
"""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from lightning.pytorch import Callback, Trainer, seed_everything
from omegaconf import DictConfig, OmegaConf

from mdhr.config.processes import end_with_first_process, is_first_process
from mdhr.config.shell_command import shell_command
from mdhr.config.signals import Interrupted, stop_on_signals
from mdhr.config.validation import validate
from mdhr.data.datamodule import FaceVideoData
from mdhr.data.provenance import is_rendered
from mdhr.errors import InputError
from mdhr.files.atomic import remove_temporary_files
from mdhr.files.folder_lock import locked_folder
from mdhr.training.batch_limits import check_batch_limits
from mdhr.training.checkpoint_file import check_resumable, read_checkpoint
from mdhr.training.checkpoint_selection import selected_checkpoint
from mdhr.training.elapsed_time import SECONDS_FILE, read_seconds, stopwatch
from mdhr.training.fine_tuning_source import initialize_from
from mdhr.training.module import ActionUnitModule
from mdhr.training.run_folder import STARTED_FROM, result_affecting_config, write_settings, write_subjects
from mdhr.training.run_record import (
    METRICS_FILE,
    RecordCallback,
    config_choices,
    make_record,
    read_record,
    write_record,
)
from mdhr.training.run_replacement import ReplacementEnd, replacing_run, settle_replacement
from mdhr.training.run_start import RESUMING, RunStart, plan_start
from mdhr.training.slurm import requeue_job
from mdhr.training.thresholds import choose_thresholds, threshold_record
from mdhr.training.trainer import build_trainer, distributed_deadline


def train(cfg: DictConfig) -> dict[str, Any]:
    """Train and test one network and return the record in ``metrics.json``.

    With ``cfg.ckpt_path="auto"`` or ``"last"`` a complete run is not repeated and an incomplete run resumes.

    Raises ``InputError`` for wrong settings, data or checkpoints and if another process uses the folder,
    ``DivergedError`` if the loss becomes NaN or infinite, and ``Interrupted`` with the command that resumes.
    """
    validate(cfg)
    end_with_first_process()
    run = Path(cfg.run_dir)
    with _locked_run(run, Path(cfg.callbacks.last.path)):
        start = plan_start(cfg)
        if start is None:
            print(f"{run} is complete and is not repeated")
            return read_record(run)
        return _train(cfg, run, start)


@contextmanager
def _locked_run(run: Path, last: Path) -> Iterator[None]:
    """Lock the run folder in the first process, and clean up after a process that was killed there."""
    if not is_first_process():
        yield
        return
    with locked_folder(run, setting="name"):
        settle_replacement(run, last)
        remove_temporary_files(last.parent)
        yield


def _train(cfg: DictConfig, run: Path, start: RunStart) -> dict[str, Any]:
    settings = result_affecting_config(cfg)  # before instantiate, which resolves ${run_dir} in place
    last = Path(cfg.callbacks.last.path)
    seed_everything(cfg.seed, workers=True, verbose=False)
    # Data, network and trainer are checked before files of an existing run are touched. Data first: pretrained weights
    # may have to be downloaded.
    data: FaceVideoData = instantiate(cfg.data.module, _convert_="all")
    data.setup("fit")
    check_batch_limits(cfg.trainer, data)
    module = _build_module(cfg, start)
    if start.checkpoint is not None:
        check_resumable(read_checkpoint(start.checkpoint), module, start.checkpoint)
    trainer = build_trainer(
        cfg.trainer,
        run=run,
        callbacks=[*(instantiate(node) for node in (cfg.callbacks or {}).values()), ReplacementEnd(run, last)],
        loggers=[instantiate(node) for node in (cfg.logger or {}).values()],
    )
    for callback in _record_callbacks(trainer):
        callback.check(settings, data.manifest)
    with _finishing_wandb(cfg), stop_on_signals(), _new_run(run, last, settings, data, start):
        for logger in trainer.loggers:
            logger.log_hyperparams(OmegaConf.to_container(cfg, resolve=True))  # type: ignore[arg-type]
        with _explaining_signals(cfg, trainer):
            return _fit_and_test(cfg, settings, trainer, module, data, start.checkpoint)


def _build_module(cfg: DictConfig, start: RunStart) -> ActionUnitModule:
    """Return the module with initial weights; a checkpoint in ``start`` replaces them later."""
    if cfg.finetune_from is None:
        module: ActionUnitModule = instantiate(cfg.module, _convert_="all")
        return module
    if cfg.ckpt_path not in (None, *RESUMING):
        raise InputError(
            "ckpt_path=FILE and finetune_from exclude each other. Omit ckpt_path to start from new weights."
        )
    unloaded = {"backbone": {"pretrained": False, "weights": None}} if cfg.get("backbone") else {}
    module = instantiate(OmegaConf.merge(cfg, unloaded).module, _convert_="all")  # type: ignore[union-attr]
    if start.checkpoint is None:
        report = initialize_from(module.network, cfg.finetune_from, au_set=module.au_set)
        if is_first_process():
            print(f"fine-tuning from {cfg.finetune_from}: {report.summary}")
    return module


@contextmanager
def _finishing_wandb(cfg: DictConfig) -> Iterator[None]:
    """Finish the wandb run at the end, or the next job of a multirun would log into it."""
    try:
        yield
    finally:
        if "wandb" in (cfg.logger or {}):
            import wandb

            wandb.finish()


@contextmanager
def _new_run(
    run: Path, last: Path, settings: Mapping[str, Any], data: FaceVideoData, start: RunStart
) -> Iterator[None]:
    """Write the first files of a new run in the first process; an old run in the folder stays until it is replaced."""
    if not (start.is_new and is_first_process()):
        yield
        return
    with replacing_run(run, last):
        for file in (METRICS_FILE, SECONDS_FILE):
            (run / file).unlink(missing_ok=True)  # of a start without a checkpoint
        write_settings(run, {**settings, **({STARTED_FROM: str(start.checkpoint)} if start.checkpoint else {})})
        write_subjects(run, data)
        yield


@contextmanager
def _explaining_signals(cfg: DictConfig, trainer: Trainer) -> Iterator[None]:
    """Add to the message of ``Interrupted`` how to resume. Blocked processes of a distributed run end as well."""

    def explain(signum: int) -> str:
        return f"{Interrupted(signum).message}; {_next_step(cfg, signum)}"

    try:
        with distributed_deadline(trainer, explain):
            yield
    except Interrupted as stop:
        stop.message = explain(stop.signum)
        raise


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
    if (
        cfg.ckpt_path not in (None, "auto", "last")
        and trainer.global_step == read_checkpoint(Path(cfg.ckpt_path))["global_step"]
    ):
        raise InputError(
            f"ckpt_path={cfg.ckpt_path}: no epoch is left to train. Pass a checkpoint of an earlier epoch."
        )
    checkpoint, validation = selected_checkpoint(trainer, module, data)
    choose_thresholds(trainer, module, data, checkpoint)
    trainer.test(module, datamodule=data, ckpt_path=checkpoint, verbose=False, weights_only=True)
    record = {
        "name": cfg.name,
        "choices": config_choices(settings["network"]),
        **make_record(module, settings),
        **threshold_record(module),
        "validation_f1_mean": validation,
        "checkpoint": os.path.relpath(checkpoint),
        "seconds": {"train": read_seconds(run).get("train"), "evaluate": time.perf_counter() - tested},
    }
    if is_rendered(cfg.data.name):
        record["seconds"] = {"render": read_seconds(Path(cfg.data.prepared)).get("render"), **record["seconds"]}
    if trainer.is_global_zero:
        for callback in _record_callbacks(trainer):
            callback.on_record(run, settings, record, data.manifest)
        write_record(run, record)
        print(f"metrics, predictions and checkpoints are in {cfg.run_dir}")
    return record


def _record_callbacks(trainer: Trainer) -> list[RecordCallback]:
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return [callback for callback in callbacks if isinstance(callback, RecordCallback)]


def _next_step(cfg: DictConfig, signum: int) -> str:
    """Return how a run that has received a signal resumes. At SIGUSR1, a Slurm job that resumes by itself is requeued."""
    last = Path(cfg.callbacks.last.path)
    is_saved = last.exists()
    same_command = not is_saved or (cfg.ckpt_path == "auto" and not cfg.overwrite)
    state = f"the last complete epoch is in {last}" if is_saved else "no epoch is complete"
    if same_command and signum == signal.SIGUSR1 and is_first_process() and (job := requeue_job()):
        return f"{state}; Slurm job {job} is requeued and resumes"
    if not same_command:
        return f"{state}; resume with: {_resuming_command(cfg)}"
    return f"{state}; the same command {'resumes' if is_saved else 'starts again'}"


def _resuming_command(cfg: DictConfig) -> str:
    overrides = list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []
    replaced = ("ckpt_path=", "overwrite=", "run_dir=")
    kept = [override for override in overrides if not override.lstrip("+").startswith(replaced)]
    run_dir = f"'{cfg.run_dir}'" if set("=,") & set(cfg.run_dir) else cfg.run_dir  # a job of a sweep
    return f"mdhr train {shell_command([*kept, f'run_dir={run_dir}', 'ckpt_path=last'])}"
