"""Construction of Lightning trainers whose checkpoints and signals this package handles."""

import atexit
import logging
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import Logger
from lightning.pytorch.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
from omegaconf import DictConfig

from mdhr.config.precision import allow_tf32, trainer_precision
from mdhr.config.signals import Interrupted, exit_deadline
from mdhr.training.atomic_checkpoint_io import AtomicCheckpointIO

EXIT_SECONDS = 5.0
"""Time until a process of a distributed run ends after a signal, if it is blocked."""
_IRRELEVANT_WARNINGS = (
    ".*does not have many workers",
    ".*LeafSpec",
    ".*exists and is not empty",  # a resumed run
    ".*smaller than the logging interval",  # means over epochs are logged
    ".*in eval mode at the start of training",  # a frozen backbone
)


def build_trainer(
    settings: DictConfig, *, run: Path, callbacks: Sequence[Callback], loggers: Sequence[Logger]
) -> Trainer:
    """Return the trainer that the node ``trainer`` describes, for the folder ``run``.

    Checkpoints are written atomically. Under Slurm, Lightning would handle SIGUSR1 with checkpoints of its own,
    ``hpc_ckpt_*.ckpt``, from which every later run in ``default_root_dir`` starts. Both are disabled: signals are
    handled by :mod:`mdhr.config.signals`, and ``default_root_dir`` is a folder without such files.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for message in _IRRELEVANT_WARNINGS:
        warnings.filterwarnings("ignore", message=message)
    plugins: list[Any] = [AtomicCheckpointIO(), *(instantiate(settings.get("plugins")) or [])]
    if SLURMEnvironment.detect() and not TorchElasticEnvironment.detect():
        plugins.append(SLURMEnvironment(auto_requeue=False))
    precision = trainer_precision(settings)
    allow_tf32(precision)
    return instantiate(
        settings,
        precision=precision,
        default_root_dir=str(run / "checkpoints"),
        callbacks=list(callbacks),
        logger=list(loggers) or False,
        plugins=plugins,
    )


@contextmanager
def distributed_deadline(
    trainer: Trainer, explain: Callable[[int], str] = lambda signum: Interrupted(signum).message
) -> Iterator[None]:
    """End all processes of a distributed run soon after a signal, including those that are blocked.

    Args:
        explain: see :func:`mdhr.config.signals.exit_deadline`.
    """
    launcher = trainer.strategy.launcher
    if launcher is None:
        yield
        return

    def end_others(signum: int) -> str:
        launcher.kill(signal.SIGKILL)  # only the first process writes files
        return explain(signum)

    try:
        with exit_deadline(EXIT_SECONDS, end_others):
            yield
    except Interrupted:
        # Not earlier: Lightning kills this process within seconds after another one was killed.
        atexit.register(launcher.kill, signal.SIGKILL)
        raise
