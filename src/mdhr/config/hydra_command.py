"""Where the package meets its user: one line for a wrong input, one for a signal, an exit status for both.

A job of a multirun that fails says why in one line, too, and leaves the others alone: it returns a :class:`FailedJob`,
and ``hydra_plugins.every_job`` ends the multirun with the names of all that failed.
"""

import functools
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from mdhr.config.error_messages import explanation, one_line_errors, print_error
from mdhr.config.signals import stop_on_signals

CONF = Path(__file__).resolve().parents[3] / "conf"


@dataclass(frozen=True)
class FailedJob:
    """What a job of a multirun returns that failed, after it has said why. Goes from process to process."""

    folder: str


def run_hydra_command(command: str, task: Callable[[DictConfig], Any], arguments: Sequence[str]) -> int:
    """Run ``task(cfg)`` as a Hydra program and return its exit status.

    The configuration is ``conf/<command>.yaml``. Status: 2 for invalid input, 1 for diverged training, 3 if jobs of a
    multirun failed, 128 + number for a signal, which ends the complete multirun; an integer that the task returns.
    """

    @functools.wraps(task)
    def in_hydra(cfg: DictConfig) -> Any:
        if "run_dir" in cfg:  # a job of a multirun has its own folder
            cfg.run_dir = os.path.relpath(HydraConfig.get().runtime.output_dir)
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            return _job(task, cfg)
        with one_line_errors():  # here, or Hydra adds a line of its own
            result = task(cfg)
        status.append(result if isinstance(result, int) else 0)
        return result

    status: list[int] = []
    config_name = command.replace("-", "_")
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra raises its errors instead of printing them
    sys.argv = [f"mdhr {command}", *arguments]
    with one_line_errors(), stop_on_signals():
        hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)(in_hydra)()
    return status[0] if status else 0


def _job(task: Callable[[DictConfig], Any], cfg: DictConfig) -> Any:
    """What the task returns, or a :class:`FailedJob`."""
    folder = os.path.relpath(HydraConfig.get().runtime.output_dir)
    try:
        return task(cfg)
    except Exception as error:
        explained = explanation(error)
        if explained is None:
            traceback.print_exc()
            explained = 1, f"{type(error).__name__}, see above"
        print_error(f"{folder}: {explained[1]}")
        return FailedJob(folder)
