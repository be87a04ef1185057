"""Schema of the settings of Lightning's ``Trainer`` and ``ModelCheckpoint`` that Lightning checks too late or not at all."""

import os
from typing import Annotated, Literal

import torch
from pydantic import Field, model_validator

from mdhr.config.ranges import Name, NonNegativeFloat, PositiveInt
from mdhr.config.schema_nodes import Open, Target

MAX_CPU_PROCESSES = 8
"""Largest number of training processes on a CPU with fewer cores."""
BatchLimit = Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
"""Number of batches, or share of all batches."""


class Trainer(Target):
    """Settings of ``conf/trainer``, as far as Lightning does not check them before training."""

    accelerator: str = "auto"
    devices: PositiveInt | Literal[-1] | Annotated[list[int], Field(min_length=1)] | Name = "auto"
    num_nodes: PositiveInt = 1
    max_epochs: PositiveInt = 1
    min_epochs: PositiveInt | None = None
    max_steps: Literal[-1] | PositiveInt = -1
    min_steps: PositiveInt | None = None
    fast_dev_run: bool | PositiveInt = False
    check_val_every_n_epoch: PositiveInt = 1
    val_check_interval: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    limit_train_batches: BatchLimit | None = None
    limit_val_batches: BatchLimit | None = None
    limit_test_batches: BatchLimit | None = None
    accumulate_grad_batches: PositiveInt = 1
    gradient_clip_val: NonNegativeFloat | None = None
    num_sanity_val_steps: Annotated[int, Field(ge=-1)] | None = None
    log_every_n_steps: Annotated[int, Field(ge=0)] | None = None
    enable_checkpointing: Literal[True] | None = None
    barebones: Literal[False] = False
    callbacks: None = None
    logger: None = None

    @model_validator(mode="after")
    def _check_devices(self) -> "Trainer":
        devices = str(self.devices)
        count = int(devices) if devices.isdecimal() else 1
        on_cpu = self.accelerator == "cpu" or (self.accelerator == "auto" and not torch.cuda.is_available())
        if on_cpu and count > max(MAX_CPU_PROCESSES, os.cpu_count() or 1):
            raise ValueError(
                f"trainer.devices={count} is out of range: expected at most "
                f"{max(MAX_CPU_PROCESSES, os.cpu_count() or 1)} processes on the {os.cpu_count()} cores of this machine"
            )
        return self


class _BestCheckpoint(Target):
    """Selection of the checkpoint that is tested."""

    monitor: str
    mode: Literal["min", "max"]
    save_top_k: Literal[1]
    save_last: Literal[False] | None = None
    save_on_train_epoch_end: Literal[False] = False
    every_n_epochs: PositiveInt | None = None
    every_n_train_steps: None = None
    train_time_interval: None = None


class TrainingCallbacks(Open):
    """Callbacks of a training run."""

    __pydantic_extra__: dict[str, Target]

    best: _BestCheckpoint
    last: Target
