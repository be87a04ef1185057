"""Construction of Lightning trainers whose checkpoints and signals this package handles."""

import logging
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import Logger
from lightning.pytorch.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
from omegaconf import DictConfig

from mdhr.config.signals import Interrupted, exit_deadline
from mdhr.training.atomic_checkpoint_io import AtomicCheckpointIO

EXIT_SECONDS = 8.0
"""Time until a process of a distributed run ends after a signal, if it is blocked."""
_IRRELEVANT_WARNINGS = (
    ".*does not have many workers",
    ".*LeafSpec",
    ".*exists and is not empty",  # a resumed run
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
    return instantiate(
        settings,
        default_root_dir=str(run / "checkpoints"),
        callbacks=list(callbacks),
        logger=list(loggers) or False,
        plugins=plugins,
    )


def distributed_deadline(
    trainer: Trainer, explain: Callable[[int], str] = lambda signum: Interrupted(signum).message
) -> AbstractContextManager[None]:
    """Return the context in which blocked processes of a distributed run end soon after a signal.

    Args:
        explain: see :func:`mdhr.config.signals.exit_deadline`.
    """
    return exit_deadline(EXIT_SECONDS, explain) if trainer.world_size > 1 else nullcontext()
