"""Entry point of the commands that are configured by Hydra."""

import argparse
import functools
import math
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from mdhr.config.composition import CONF
from mdhr.config.error_messages import explanation, one_line_errors, print_error
from mdhr.config.gpu_assignment import assign_gpu, num_visible_gpus
from mdhr.config.job_folders import job_folder, job_label
from mdhr.config.job_results import JobResults
from mdhr.config.override_check import check_overrides, experiments_with_launcher, with_new_keys
from mdhr.config.signals import stop_on_signals


def run_hydra_command(command: str, task: Callable[[DictConfig], Any], arguments: Sequence[str]) -> int:
    """Run ``task(cfg)`` as a Hydra program and return its exit status.

    The configuration is ``conf/<command>.yaml``. The exit status is the integer that the task returns, or 0. Errors
    that the user can fix are printed as one line: status 2 for invalid input, 1 for diverged training, 128 + number for
    a signal. A multirun runs all jobs, prints one line per failed job, and exits with status 3 if any job failed.
    """
    status = 0
    results = JobResults()
    program = sys.argv[0]

    @functools.wraps(task)
    def run_task(cfg: DictConfig) -> Any:
        nonlocal status
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            return _run_job(task, cfg, results)
        sys.argv = [program, command, *arguments]  # Lightning starts the other processes of a DDP run with it
        with one_line_errors():  # Hydra would print a line of its own
            result = task(cfg)
        status = result if isinstance(result, int) else 0
        return result

    OmegaConf.register_new_resolver("job_folder", job_folder, replace=True)
    OmegaConf.register_new_resolver("num_visible_gpus", num_visible_gpus, replace=True)
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra raises its errors instead of printing them
    sys.argv = [f"mdhr {command}", *with_new_keys(arguments)]
    main = hydra.main(version_base="1.3", config_path=str(CONF), config_name=command.replace("-", "_"))
    try:
        with one_line_errors(), stop_on_signals(), _unchecked_help():
            check_overrides(arguments)
            for name in experiments_with_launcher(arguments):
                print_error(
                    f"warning: Hydra ignores the launcher in experiment={name}. Pass hydra/launcher=... instead."
                )
            main(run_task)()
            results.check()
    finally:
        results.clear()
    return status


@contextmanager
def _unchecked_help() -> Iterator[None]:
    """Skip argparse's check of help texts, new in Python 3.14: one text of Hydra 1.3 is not a string and would fail."""
    argparse.ArgumentParser._check_help = lambda parser, action: None  # type: ignore[attr-defined]
    try:
        yield
    finally:
        del argparse.ArgumentParser._check_help  # type: ignore[attr-defined]


def _run_job(task: Callable[[DictConfig], Any], cfg: DictConfig, results: JobResults) -> Any:
    """Return what the task returns; if it fails, print why and return NaN, so that the other jobs run."""
    folder = os.path.relpath(HydraConfig.get().runtime.output_dir)
    number = HydraConfig.get().job.num
    if "run_dir" in cfg:
        cfg.run_dir = folder
    if OmegaConf.select(cfg, "logger.wandb") is not None and os.path.basename(folder) != cfg.name:
        cfg.logger.wandb.name = f"{cfg.name} {job_label(HydraConfig.get().job.override_dirname)}".rstrip()
    try:
        assign_gpu()
        result = task(cfg)
    except Exception as error:
        explained = explanation(error)
        if explained is None:
            traceback.print_exc()
        print_error(f"{folder}: {explained[1] if explained else f'{type(error).__name__} (traceback above)'}")
        results.add(number, failed=os.path.basename(folder))
        return math.nan
    results.add(number)
    return result
