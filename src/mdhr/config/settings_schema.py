"""Schemas of ``conf/{train,cross_validate,evaluate}.yaml`` and of the recorded settings of a run.

A schema checks types and ranges, and how settings fit together. Nodes with a ``_target_`` may have more settings, which
:mod:`mdhr.config.constructor_check` compares with the arguments of the constructor.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Any, Literal

import timm
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from mdhr.action_units import action_unit_set
from mdhr.config.error_messages import suggestion


def _check_backbone(name: str) -> str:
    if not timm.is_model(name):
        near = get_close_matches(name.partition(".")[0], timm.list_models(), n=4, cutoff=0.4)
        raise ValueError(f"timm has no such model; closest names: {', '.join(near) or 'none'}")
    return name


def _check_unique(numbers: list[int]) -> list[int]:
    if len(set(numbers)) < len(numbers):
        raise ValueError("should name each fold once")
    return numbers


AUSetName = Annotated[str, AfterValidator(lambda name: action_unit_set(name).name)]
BackboneName = Annotated[str, AfterValidator(_check_backbone)]
Fold = Literal[1, 2, 3]
AsTrained = Literal["as_trained"]


class _Open(BaseModel):
    """Node with further settings that its constructor takes."""

    model_config = ConfigDict(extra="allow")


class _Closed(BaseModel):
    """Node without further settings."""

    model_config = ConfigDict(extra="forbid")


class _AUSet(_Open):
    name: AUSetName


class _DataModule(_Open):
    features: str | None = None
    jitter: tuple[float, float] | None = None


class _Data(_Open):
    name: str
    module: _DataModule
    au_set: _AUSet
    protocol: Literal["honest", "paper"]
    fold: Fold
    num_frames: int = Field(ge=1)
    crop_size: int = Field(ge=32, multiple_of=32)
    batch_size: int = Field(ge=1)


class _Backbone(_Open):
    name: BackboneName
    feature_source: Literal["stage_input", "stage_output"]
    frozen: bool = False
    activation_checkpointing: bool = False


class _Network(_Open):
    temporal_radius: int | None = None


class _Module(_Open):
    region_weight: float = Field(ge=0)
    edge_weight: float | None = Field(default=None, ge=0)
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    backbone_lr_scale: float = Field(ge=0)
    compiled: bool = False
    threshold: float = Field(ge=0, le=1)


class _Trainer(_Open):
    max_epochs: int = Field(ge=1)
    check_val_every_n_epoch: int = Field(ge=1)


class _PaperRow(_Closed):
    """Row of ``mdhr/reporting/paper_results.yaml``."""

    table: str
    name: str


class RecordedSettings(_Open):
    """Settings in ``settings.yaml`` of a run, as far as they are read again."""

    seed: int = Field(ge=0)
    data: _Data
    network: _Network
    module: _Module


class TrainingSettings(_Closed):
    """Settings of ``mdhr train`` and ``mdhr cross-validate``."""

    name: str = Field(min_length=1)
    group: str | None = None
    seed: int = Field(ge=0)
    run_dir: str
    data: _Data
    backbone: _Backbone | None = None
    network: _Network
    module: _Module
    trainer: _Trainer
    logger: dict[str, Any] | None
    callbacks: dict[str, Any] | None
    ckpt_path: str | None = None
    overwrite: bool = False
    folds: Annotated[list[Fold], Field(min_length=1), AfterValidator(_check_unique)] | None = None
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
        if self.data.module.features is not None:
            if self.backbone is None or not self.backbone.frozen:
                raise ValueError("data.module.features requires a frozen backbone: set backbone.frozen=true")
            if self.data.module.jitter != (1, 1):
                raise ValueError("data.module.features excludes color jitter: set data.module.jitter=[1,1]")
        return self


class _EvaluationDataModule(_Closed):
    num_workers: AsTrained | Annotated[int, Field(ge=0)]
    features: str | None
    frames: str | None


class _EvaluationData(_Closed):
    root: str
    prepared: str
    fold: AsTrained | Fold
    batch_size: AsTrained | Annotated[int, Field(ge=1)]
    module: _EvaluationDataModule


class _EvaluationModule(_Closed):
    threshold: AsTrained | Annotated[float, Field(ge=0, le=1)]


class EvaluationSettings(_Closed):
    """Settings of ``mdhr evaluate``."""

    run: str
    checkpoint: str
    out: str
    allow_seen_subjects: bool
    name: str
    run_dir: str
    data: _EvaluationData
    module: _EvaluationModule
    trainer: dict[str, Any]
    logger: dict[str, Any] | None
    callbacks: dict[str, Any] | None


def schema_problems(settings: Any, schema: type[BaseModel]) -> Iterator[str]:
    """Yield one line for every setting that violates the schema."""
    try:
        schema.model_validate(settings)
    except ValidationError as error:
        lines: dict[str, list[str]] = {}
        for problem in error.errors():
            name = ".".join(str(part) for part in problem["loc"])
            if problem["type"] == "extra_forbidden":
                yield f"there is no setting {name}{suggestion(name, list(schema.model_fields))}"
            elif not name:
                yield str(problem["ctx"]["error"])
            elif problem["type"] == "missing":
                yield f"{name} is not set: set {name}=..."
            else:
                name = _existing_name(settings, problem["loc"])
                lines.setdefault(f"{name}={problem['input']}", []).append(problem_message(problem))
        for setting, messages in lines.items():
            yield f"{setting}: {', or '.join(dict.fromkeys(messages))}"


def _existing_name(settings: Any, location: tuple[int | str, ...]) -> str:
    """Return the dotted name of a setting, without the member of a union that pydantic appends to a location."""
    name = []
    for part in location:
        if not (isinstance(settings, dict) and part in settings) and not isinstance(part, int):
            break
        settings = settings[part]
        name.append(str(part))
    return ".".join(name)


def problem_message(problem: Any) -> str:
    """Return what pydantic reports about one value, such as ``should be greater than 0``."""
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    return problem["msg"].replace("Input should", "should")
