"""Schemas of the settings of the commands that do not train."""

from typing import Literal

from pydantic import model_validator

from mdhr.config.ranges import (
    BatchSize,
    CropSize,
    Fold,
    FrameSize,
    Name,
    NumProcesses,
    NumWorkers,
    PositiveInt,
    Seed,
    Share,
)
from mdhr.config.schema_nodes import Closed, Target
from mdhr.config.settings_schema import Backbone, Data, Folds
from mdhr.config.trainer_schema import Trainer

AsTrained = Literal["as_trained"]


class _EvaluationDataModule(Closed):
    num_workers: AsTrained | NumWorkers
    features: Name | None
    frames: Name | None


class _EvaluationData(Closed):
    root: Name
    prepared: Name
    fold: AsTrained | Fold
    batch_size: AsTrained | BatchSize
    module: _EvaluationDataModule


class _EvaluationModule(Closed):
    threshold: AsTrained | Share


class EvaluationSettings(Closed):
    """Settings of ``mdhr evaluate``."""

    run: Name
    checkpoint: Name
    out: Name
    test_data: Name | None = None
    test_suffix: str
    adapt_batch_norm: bool
    allow_seen_subjects: bool
    name: Name
    run_dir: Name
    data: _EvaluationData
    module: _EvaluationModule
    trainer: Trainer
    logger: dict[str, Target] | None
    callbacks: dict[str, Target] | None


class PreparationSettings(Closed):
    """Settings of ``mdhr prepare``."""

    data: Data
    if_missing: bool
    dry_run: bool


class CheckSettings(Closed):
    """Settings of ``mdhr check``."""

    data: Data
    deep: bool
    partial: bool
    limit: PositiveInt | None
    out: Name | None
    num_workers: NumProcesses | None


class FrameStorageSettings(Closed):
    """Settings of ``mdhr store-frames``."""

    data: Data


class LabelFigureSettings(Closed):
    """Settings of ``mdhr label-figures``."""

    data: Data
    out: Name


class AttentionSettings(Closed):
    """Settings of ``mdhr attention``."""

    run: Name
    out: Name


class ReportSettings(Closed):
    """Settings of ``mdhr report``."""

    runs: Name
    experiments: Name
    out: Name


class TableSettings(Closed):
    """Settings of ``mdhr table``."""

    data: Data
    table: Literal[3, 4, 5, 6, "me_graphau", "transfer"]
    name: Name | None
    folds: Folds
    runs: Name
    out: Name
    command: Name


class WorkspaceSettings(Closed):
    """Settings of ``mdhr wandb-workspace``."""

    data: Data
    entity: Name | None
    project: Name
    save: bool


class _Bank(Target):
    num_identities: PositiveInt
    size: FrameSize


class _BankData(Target):
    crop_size: CropSize
    num_validation_identities: PositiveInt


class PretrainingSettings(Closed):
    """Settings of ``mdhr pretrain``."""

    seed: Seed
    run_dir: Name
    weights: Name
    backbone: Backbone
    bank: _Bank
    data: _BankData
    module: Target
    trainer: Trainer

    @model_validator(mode="after")
    def _fit_together(self) -> "PretrainingSettings":
        if self.data.crop_size > self.bank.size:
            raise ValueError(f"data.crop_size={self.data.crop_size} exceeds bank.size={self.bank.size}")
        validation, identities = self.data.num_validation_identities, self.bank.num_identities
        if validation >= identities:
            raise ValueError(
                f"data.num_validation_identities={validation} is out of range: expected less than "
                f"bank.num_identities={identities}, because the others are for training"
            )
        return self
