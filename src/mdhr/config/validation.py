"""Validation of settings before anything is built: one line for every wrong setting."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from pydantic import BaseModel

from mdhr.config.constructor_check import constructor_problems
from mdhr.config.plain_settings import check_clip_size
from mdhr.config.precision import AUTO, trainer_precision
from mdhr.config.schema_check import schema_problems
from mdhr.config.settings_schema import RecordedSettings, TrainingSettings
from mdhr.errors import InputError, shown


def validate(cfg: DictConfig, schema: type[BaseModel] = TrainingSettings) -> None:
    """Raise ``InputError`` with one line for every setting of a composed configuration that is wrong.

    Checked are required settings, the schema, and the arguments of all ``_target_`` nodes.
    """
    if OmegaConf.select(cfg, "trainer.precision") == AUTO:  # not a value of Lightning
        cfg = cfg.copy()
        cfg.trainer.precision = trainer_precision(cfg.trainer)
    missing = list(_missing(OmegaConf.to_container(cfg, resolve=False), ""))
    if missing:
        raise InputError("\n".join(f"{key} is not set: set {key}=..." for key in missing))
    problems: dict[str, str] = {}
    for line in [*schema_problems(OmegaConf.to_container(cfg, resolve=True), schema), *constructor_problems(cfg)]:
        problems.setdefault(line.partition("=")[0], line)  # several constructors may share a setting
    if problems:
        raise InputError("\n".join(problems.values()))


def validate_recorded(settings: Any, *, where: Path) -> None:
    """Raise ``InputError`` that starts with the file name ``where`` if settings are not those of a run.

    No ``_target_`` is imported: the settings may come from a stranger.
    """
    problem = next(schema_problems(settings, RecordedSettings), None)
    if problem is not None:
        raise InputError(f"{where}: {shown(problem, limit=300)}")
    source = settings["data"]["module"].get("source")
    if not isinstance(source, dict):
        raise InputError(f"{where}: data.module.source={shown(source)} is not a node of settings")
    try:
        check_clip_size(settings["data"]["num_frames"], settings["data"]["crop_size"])
    except InputError as error:
        raise InputError(f"{where}: data.{error}") from error


def _missing(node: Any, where: str) -> Iterator[str]:
    """Yield the dotted name of every setting that is ``???``."""
    if node == "???":
        yield where
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _missing(value, f"{where}.{key}" if where else str(key))
