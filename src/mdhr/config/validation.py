"""Check a composed configuration before anything is built: one line for every wrong setting.

Two checks. What the settings mean (:class:`Settings`), and that every ``_target_`` node has the arguments its
constructor takes, of the types it declares; so a misspelt key in a file is found as well as one on the command line.
"""

import inspect
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal

import timm
from hydra.utils import get_object
from omegaconf import DictConfig, ListConfig, OmegaConf
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from mdhr.action_units import action_unit_set
from mdhr.config.error_messages import suggestion
from mdhr.errors import InputError


def _known_backbone(name: str) -> str:
    if not timm.is_model(name):
        near = get_close_matches(name.partition(".")[0], timm.list_models(), n=4, cutoff=0.4)
        raise ValueError(f"timm has no such model; near: {', '.join(near) or 'none'}")
    return name


def _known_au_set(name: str) -> str:
    return action_unit_set(name).name


class _Part(BaseModel):
    """Constructors know the rest of a node's settings."""

    model_config = ConfigDict(extra="allow")


class _AUSet(_Part):
    name: Annotated[str, AfterValidator(_known_au_set)]


class _DataModule(_Part):
    features: str | None = None
    jitter: tuple[float, float] | None = None


class _Data(_Part):
    module: _DataModule
    au_set: _AUSet
    protocol: Literal["honest", "paper"]
    fold: Literal[1, 2, 3]
    num_frames: int = Field(ge=1)
    crop_size: int = Field(ge=32, multiple_of=32)
    batch_size: int = Field(ge=1)


class _Backbone(_Part):
    name: Annotated[str, AfterValidator(_known_backbone)]
    feature_source: Literal["stage_input", "stage_output"]
    frozen: bool = False
    recompute: bool = False


class _Network(_Part):
    temporal_radius: int | None = None


class _Module(_Part):
    region_weight: float = Field(ge=0)
    edge_weight: float | None = Field(default=None, ge=0)
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    backbone_lr_scale: float = Field(ge=0)
    compiled: bool = False
    threshold: float = Field(ge=0, le=1)


class _Trainer(_Part):
    max_epochs: int = Field(ge=1)
    check_val_every_n_epoch: int = Field(ge=1)


class _PaperRow(BaseModel):
    """A row of ``report/paper_results.yaml``."""

    model_config = ConfigDict(extra="forbid")

    table: str
    name: str


def _different(numbers: list[int]) -> list[int]:
    if len(set(numbers)) < len(numbers):
        raise ValueError("should name each fold once")
    return numbers


class Settings(BaseModel):
    """``conf/{train,evaluate,cross_validate}.yaml`` as they must be, whatever was chosen for their groups."""

    model_config = ConfigDict(extra="forbid")

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
    checkpoint: str | None = None
    folds: Annotated[list[Literal[1, 2, 3]], Field(min_length=1), AfterValidator(_different)] | None = None
    paper_row: _PaperRow | None = None

    @model_validator(mode="after")
    def _together(self) -> "Settings":
        k, num_frames = self.network.temporal_radius, self.data.num_frames
        if k is not None and not 1 <= k <= num_frames / 2:
            raise ValueError(
                f"network.temporal_radius={k}: must be 1 to {num_frames // 2}, half of data.num_frames={num_frames}"
            )
        every, last = self.trainer.check_val_every_n_epoch, self.trainer.max_epochs
        if every > last:
            raise ValueError(
                f"trainer.check_val_every_n_epoch={every}: must be at most trainer.max_epochs={last}, "
                "or no epoch is ever validated and chosen"
            )
        if self.data.module.features is not None:
            if self.backbone is None or not self.backbone.frozen:
                raise ValueError("data.module.features: only a frozen backbone has maps to store, say backbone.frozen=true")
            if self.data.module.jitter != (1, 1):
                raise ValueError("data.module.features: they are of frames as they are, say data.module.jitter=[1,1]")
        return self


def validate(cfg: DictConfig) -> None:
    """Raise ``InputError`` with one line for every setting that is wrong."""
    missing = list(_missing(OmegaConf.to_container(cfg, resolve=False), ""))
    if missing:
        raise InputError("\n".join(f"{key} is not set: say {key}=..." for key in missing))
    problems = [*_meaning_problems(OmegaConf.to_container(cfg, resolve=True)), *_constructor_problems(cfg)]
    if problems:
        raise InputError("\n".join(dict.fromkeys(problems)))


def _missing(node: Any, where: str) -> Iterator[str]:
    if node == "???":
        yield where
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _missing(value, f"{where}.{key}" if where else str(key))


def _meaning_problems(settings: Any) -> Iterator[str]:
    try:
        Settings.model_validate(settings)
    except ValidationError as error:
        for problem in error.errors():
            where = ".".join(str(part) for part in problem["loc"])
            if problem["type"] == "extra_forbidden":
                yield f"there is no setting {where}{suggestion(where, list(Settings.model_fields))}"
            elif not where:
                yield str(problem["ctx"]["error"])
            elif problem["type"] == "missing":
                yield f"{where} is not set: say {where}=..."
            else:
                yield f"{where}={problem['input']}: {_message(problem)}"


def _constructor_problems(cfg: DictConfig) -> Iterator[str]:
    for where, node in _target_nodes(OmegaConf.to_container(cfg, resolve=False), ""):
        try:
            target = get_object(node["_target_"])
            parameters = inspect.signature(target).parameters
        except Exception as error:
            yield f"{where}._target_={node['_target_']}: {' '.join(str(error).split())}"
            continue
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        hints = _type_hints(target)
        given = {key for key in node if not key.startswith("_")}
        for key in sorted(given - set(parameters)):
            if not takes_any:
                yield f"there is no setting {where}.{key}{suggestion(key, list(parameters), prefix=f'{where}.')}"
        for key in sorted(given & set(parameters)):
            if "${" not in str(node[key]):  # judged where it is said
                yield from _type_problems(f"{where}.{key}", OmegaConf.select(cfg, f"{where}.{key}"), hints.get(key))
        if not node.get("_partial_"):
            named = [p.name for p in parameters.values() if p.default is p.empty and p.kind is p.KEYWORD_ONLY]
            for key in named:
                if key not in given:
                    yield f"{where}.{key} is not set: {node['_target_'].rpartition('.')[2]} needs it"


def _target_nodes(node: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping with a ``_target_`` and its path; interpolated ones are met where they are said."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield where, node
        for key, value in node.items():
            yield from _target_nodes(value, f"{where}.{key}" if where else str(key))


def constructor_defaults(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Dotted name and default of every argument that a ``_target_`` node may leave out."""
    for where, node in _target_nodes(dict(settings), ""):
        for name, parameter in inspect.signature(get_object(node["_target_"])).parameters.items():
            if parameter.default is not parameter.empty:
                yield f"{where}.{name}", parameter.default


def _type_hints(target: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(target.__init__ if inspect.isclass(target) else target)
    except Exception:  # a name that is only imported for type checkers
        return {}


def _type_problems(where: str, value: Any, hint: Any) -> Iterator[str]:
    if isinstance(value, DictConfig) or not _is_plain(hint):
        return
    plain = OmegaConf.to_container(value, resolve=True) if isinstance(value, ListConfig) else value
    try:
        TypeAdapter(hint).validate_python(plain)
    except ValidationError as error:
        reasons = dict.fromkeys(_message(problem) for problem in error.errors())
        yield f"{where}={plain}: {', or '.join(reasons)}"


def _is_plain(hint: Any) -> bool:
    """Is the type made of numbers, strings, flags and lists of them alone?"""
    if hint in (int, float, bool, str, type(None)) or typing.get_origin(hint) is Literal:
        return True
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType, list, tuple) or origin is Sequence:
        return all(argument is Ellipsis or _is_plain(argument) for argument in arguments)
    return False


def _message(problem: Any) -> str:
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    return problem["msg"].replace("Input should", "should")
