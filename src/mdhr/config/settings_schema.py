"""Schemas of the settings of a training run: of ``conf/{train,cross_validate}.yaml`` and of ``settings.yaml``.

A schema contains the names of settings and how they fit together. The arguments of a ``_target_`` node are checked by
:mod:`mdhr.config.constructor_check`; a schema repeats those that other settings have to fit, and those of libraries.
"""

from difflib import get_close_matches
from typing import Annotated, Any

import timm
from pydantic import AfterValidator, BaseModel, Field, model_validator

from mdhr.action_units import ActionUnitSet, action_unit_set
from mdhr.config.ranges import (
    VALIDATION_F1,
    BatchSize,
    ClassWeights,
    CropSize,
    Fold,
    Name,
    NonNegativeFloat,
    NumFrames,
    PositiveFloat,
    Protocol,
    Seed,
    Threshold,
)
from mdhr.config.schema_nodes import Closed, Open, Target
from mdhr.config.trainer_schema import Trainer, TrainingCallbacks
from mdhr.errors import InputError, shown

VALIDATION_METRICS = ("f1_mean", "auc_mean", "accuracy_mean", "loss_au")
"""Metrics of :class:`mdhr.training.module.ActionUnitModule` that can select the checkpoint."""


def _check_backbone(name: str) -> str:
    if not timm.is_model(name):
        near = get_close_matches(name.partition(".")[0], timm.list_models(), n=4, cutoff=0.4)
        raise ValueError(f"timm has no such model; closest names: {', '.join(near) or 'none'}")
    return name


def _check_unique(numbers: list[int]) -> list[int]:
    if len(set(numbers)) < len(numbers):
        raise ValueError("should name each fold once")
    return numbers


BackboneName = Annotated[str, AfterValidator(_check_backbone)]
Folds = Annotated[list[Fold], Field(min_length=1), AfterValidator(_check_unique)]


class _AUSet(Open):
    target: Name | None = Field(default=None, alias="_target_")
    name: str
    aus: list[int | str] | None = None
    groups: list[dict[str, Any]] | None = None
    region_block: bool | None = None

    @model_validator(mode="after")
    def _is_valid(self) -> "_AUSet":
        try:
            self.au_set()
        except InputError as error:
            raise ValueError(f"data.au_set.name={shown(self.name)}: {error}") from error
        return self

    def au_set(self) -> ActionUnitSet:
        return action_unit_set(self.name, self.aus, self.groups, self.region_block)


class _RecordedDataModule(Open):
    features: str | None = None


class _DataModule(Target):
    source: Target
    features: str | None = None
    jitter: Any = None


class _ClipSettings(BaseModel):
    name: Name
    au_set: _AUSet
    protocol: Protocol
    fold: Fold
    num_frames: NumFrames
    crop_size: CropSize
    batch_size: BatchSize


class _RecordedData(Open, _ClipSettings):
    module: _RecordedDataModule


class Data(Closed, _ClipSettings):
    """Settings of ``conf/data``."""

    root: Name
    prepared: Name
    labels: Name | None = None
    folds: Any = None
    module: _DataModule
    release: Target | None = None
    detector: Target | None = None
    prepare: Target | None = None


class Backbone(Target):
    """Settings of ``conf/backbone``."""

    name: BackboneName
    frozen: bool = False


class _Network(Target):
    temporal_radius: int | None = None


class _RecordedModule(Open):
    learning_rate: PositiveFloat
    region_weight: NonNegativeFloat
    threshold: Threshold


class _Module(Target):
    learning_rate: PositiveFloat
    weight_decay: NonNegativeFloat
    class_weights: ClassWeights | None = None
    threshold: Threshold


class _PaperRow(Closed):
    """Row of ``mdhr/reporting/paper_results.yaml``."""

    table: str
    name: str


class RecordedSettings(Open):
    """Settings in ``settings.yaml`` of a run, as far as they are read again."""

    seed: Seed
    data: _RecordedData
    network: _Network
    module: _RecordedModule


class TrainingSettings(Closed):
    """Settings of ``mdhr train`` and ``mdhr cross-validate``."""

    name: Name
    group: Name | None = None
    seed: Seed
    run_dir: Name
    data: Data
    backbone: Backbone | None = None
    network: _Network
    module: _Module
    trainer: Trainer
    logger: dict[str, Target] | None
    callbacks: TrainingCallbacks
    ckpt_path: Name | None = None
    finetune_from: Name | None = None
    overwrite: bool = False
    folds: Folds | None = None
    paper_row: _PaperRow | None = None

    @model_validator(mode="after")
    def _fit_together(self) -> "TrainingSettings":
        k, num_frames = self.network.temporal_radius, self.data.num_frames
        if k is not None and not 1 <= k <= num_frames / 2:
            raise ValueError(
                f"network.temporal_radius={k} is out of range: expected 1 to {num_frames // 2} "
                f"(half of data.num_frames={num_frames})"
            )
        interval, last = self.trainer.check_val_every_n_epoch, self.trainer.max_epochs
        if interval > last:
            raise ValueError(
                f"trainer.check_val_every_n_epoch={interval} is out of range: expected at most "
                f"trainer.max_epochs={last}, because the checkpoint is selected by validation"
            )
        columns = self.data.au_set.au_set().columns
        weights = self.module.class_weights
        if weights is not None and len(weights) != len(columns):
            raise ValueError(
                f"module.class_weights has {len(weights)} values, expected {len(columns)}: "
                f"one for each action unit of {self.data.au_set.name} ({', '.join(columns)})"
            )
        by_au = [f"val/f1/{column}" for column in columns]
        monitored = [*(f"val/{metric}" for metric in VALIDATION_METRICS), *by_au, "epoch"]  # epoch: the last validation
        if self.callbacks.best.monitor not in monitored:
            raise ValueError(
                f"callbacks.best.monitor={self.callbacks.best.monitor} is not computed: expected one of "
                f"{', '.join(monitored)}"
            )
        rate, decay = self.module.learning_rate, self.module.weight_decay
        if rate * decay >= 1:
            raise ValueError(
                f"module.weight_decay={decay} is out of range: expected less than {1 / rate:g} "
                f"(1 / module.learning_rate), because a step multiplies the weights by 1 - learning_rate * weight_decay"
            )
        if self.module.threshold == VALIDATION_F1 and self.data.protocol != "honest":
            raise ValueError(
                f"module.threshold={VALIDATION_F1} requires data.protocol=honest, because the validation split of "
                f"protocol {self.data.protocol} is the test fold"
            )
        if self.data.module.features is not None:
            if self.backbone is None or not self.backbone.frozen:
                raise ValueError("data.module.features requires a frozen backbone: set backbone.frozen=true")
            if self.data.module.jitter != [1, 1]:
                raise ValueError("data.module.features excludes color jitter: set data.module.jitter=[1,1]")
        return self
