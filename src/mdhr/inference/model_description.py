"""Model description: what a model needs besides its weights to score a video the way it was trained.

``mdhr train`` writes it to ``model.yaml`` of the run folder; ``mdhr export`` writes it to ``config.yaml``.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from mdhr.action_units import ActionUnitSet, parse_action_unit_set
from mdhr.config.plain_settings import check_clip_size, checked_au_set
from mdhr.config.ranges import VALIDATION_F1
from mdhr.data.faces.cropping import FILL
from mdhr.data.prepared.manifest import DESCRIPTION
from mdhr.data.provenance import is_rendered
from mdhr.errors import InputError, shown
from mdhr.files.atomic import write_text
from mdhr.files.yaml_files import read_yaml

THRESHOLD = 0.5
"""Threshold of models with thresholds by action unit, for action units without one."""
DESCRIPTION_FILE = "model.yaml"
"""Name in a run folder."""
RENDERED_FACES = "rendered faces only, no real faces"
"""Training data of a model that was trained on a synthetic data set."""
MAX_TRAINED_ON = 500
"""Characters of the description of the training data."""
RELEASE_FPS = {"BP4D": 25.0, "DISFA": 20.0}
"""Frames per second of the videos of each release."""
_RENDERED_ZOOM, _RENDERED_STRIDE = 1.1, 3
"""As in ``conf/data/synthetic*.yaml``; used if the data set of a run no longer exists."""


@dataclass(frozen=True)
class ModelDescription:
    """Input, action units, threshold and training data of a model.

    Raises ``InputError`` if a value is out of range.
    """

    au_set: str | dict[str, Any]
    """Action unit set, see :attr:`mdhr.action_units.ActionUnitSet.definition`: ``BP4D``, ``DISFA`` or a mapping."""
    num_frames: int
    """T, frames per clip."""
    crop_size: int
    """S, height and width of a face crop in pixels."""
    frame_interval: float
    """Seconds between neighboring frames of a clip in training."""
    fill: float
    """Height of the face from brow to chin, as a share of the crop; see :mod:`mdhr.data.faces.cropping`."""
    threshold: float
    """Smallest score that counts as active, in [0, 1]."""
    trained_on: str
    """Training data as text, completes the sentence "Trained on ..."."""
    thresholds: dict[str, float] | None = None
    """Threshold of every action unit, such as ``{"AU12": 0.4}``, that was chosen on the validation split."""

    def __post_init__(self) -> None:
        parse_action_unit_set(self.au_set)
        for name, lowest, highest in (
            ("num_frames", 1, 10_000),
            ("crop_size", 32, 4096),
            ("frame_interval", 1e-4, 3600),
            ("fill", 0.01, 100),
            ("threshold", 0, 1),
        ):
            value = getattr(self, name)
            if not lowest <= value <= highest:  # also true for NaN
                raise InputError(f"{name}={shown(value)} of the model is out of range: expected {lowest} to {highest}.")
        check_clip_size(self.num_frames, self.crop_size)
        for name, value in (self.thresholds or {}).items():
            if not 0 <= value <= 1:
                raise InputError(f"threshold {shown(value)} of {shown(name)} is out of range: expected 0 to 1.")
        if not (self.trained_on.isprintable() and len(self.trained_on) <= MAX_TRAINED_ON):
            raise InputError(
                f"trained_on={shown(self.trained_on)} of the model is not one line of at most {MAX_TRAINED_ON} characters."
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for a YAML file."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    def default_thresholds(self, au_set: ActionUnitSet) -> dict[str, float]:
        """Return the threshold of every action unit of the model."""
        return {column: (self.thresholds or {}).get(column, self.threshold) for column in au_set.columns}

    @classmethod
    def from_dict(cls, values: Any, *, where: Path) -> "ModelDescription":
        """Return the description that :meth:`as_dict` converted; ``where`` is the file that error messages name.

        Raises ``InputError`` if a field is missing, unknown or out of range.
        """
        types = {field.name: field.type for field in fields(cls) if field.name != "thresholds"}
        thresholds = None
        if isinstance(values, Mapping) and "thresholds" in values:
            thresholds = _parse_thresholds(values["thresholds"], where)
            values = {key: value for key, value in values.items() if key != "thresholds"}
        if not isinstance(values, Mapping) or set(values) != set(types):
            raise InputError(
                f"{where}: a model description must contain exactly {', '.join(types)}. "
                "Export the model or train it again."
            )
        converted = {}
        for name, value in values.items():
            try:
                if name == "au_set":
                    converted[name] = value
                    continue
                if not isinstance(value, str | int | float):
                    raise TypeError("not a plain value")
                converted[name] = types[name](value)  # type: ignore[operator]
            except (TypeError, ValueError, OverflowError) as error:
                raise InputError(
                    f"{where}: {name}={shown(value)} of the model is not a number. Export the model or train it again."
                ) from error
        try:
            return cls(**converted, thresholds=thresholds)
        except InputError as error:
            raise InputError(f"{where}: {error}") from error


def _parse_thresholds(value: Any, where: Path) -> dict[str, float]:
    """Return thresholds by column from a mapping, or from JSON in the metadata of an ONNX file."""
    try:
        stored = json.loads(value) if isinstance(value, str) else value
        return {str(name): float(number) for name, number in stored.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(
            f"{where}: thresholds={shown(value)} of the model are not numbers by action unit. Export the model again."
        ) from error


def describe_training(
    settings: Mapping[str, Any],
    *,
    fps: float,
    preparation: Mapping[str, Any],
    thresholds: dict[str, float] | None = None,
) -> ModelDescription:
    """Return the description of a model that was trained with the resolved ``settings``.

    Args:
        fps: frames per second of the data set.
        preparation: settings that the data set was prepared or rendered with; they determine the crop.
        thresholds: thresholds by action unit that the run has chosen.

    Raises ``InputError`` if ``fps`` is not positive, or a value of the description is out of range.
    """
    data = settings["data"]
    if not 0 < fps < math.inf:
        raise InputError(f"the data set has {fps} frames per second, expected more than 0. Prepare it again.")
    return ModelDescription(
        au_set=checked_au_set(data["au_set"], "data.au_set").definition,
        num_frames=data["num_frames"],
        crop_size=data["crop_size"],
        frame_interval=data["module"].get("frame_stride", 1) / fps,
        fill=round(preparation.get("fill", FILL) * preparation.get("zoom", 1.0), 6),
        threshold=THRESHOLD if settings["module"]["threshold"] == VALIDATION_F1 else settings["module"]["threshold"],
        trained_on=training_data(data),
        thresholds=thresholds,
    )


def training_data(data: Mapping[str, Any]) -> str:
    """Return the training data as text, such as ``bp4d, protocol honest, without the subjects of fold 1``."""
    if is_rendered(data["name"]):
        return RENDERED_FACES
    return f"{data['name']}, protocol {data['protocol']}, without the subjects of fold {data['fold']}"


def write_description(run: Path, description: ModelDescription) -> None:
    """Write the description to ``model.yaml`` of a run folder."""
    write_text(run / DESCRIPTION_FILE, yaml.safe_dump(description.as_dict(), sort_keys=False))


def read_run_description(run: Path, settings: Mapping[str, Any]) -> ModelDescription:
    """Return the description of the model of a run.

    Without ``model.yaml`` it follows from the settings and the data set; if the data set no longer exists, the
    defaults of that data set are assumed.

    Raises ``InputError`` if the settings are not those of a training run.
    """
    if (run / DESCRIPTION_FILE).is_file():
        return ModelDescription.from_dict(read_yaml(run / DESCRIPTION_FILE), where=run / DESCRIPTION_FILE)
    try:
        data = settings["data"]
        prepared = Path(data.get("prepared", "")) / DESCRIPTION
        if prepared.is_file():
            manifest = read_yaml(prepared)
            fps, preparation = manifest["fps"], manifest.get("settings") or {}
        else:
            fps = data["module"].get("source", {}).get("fps") or RELEASE_FPS.get(data["au_set"]["name"])
            if fps is None:
                raise InputError(f"the data set in {prepared.parent}, which contains its frame rate, does not exist")
            preparation = {}
            if is_rendered(data["name"]):
                fps, preparation = fps / _RENDERED_STRIDE, {"zoom": _RENDERED_ZOOM}
        description = describe_training(settings, fps=fps, preparation=preparation)
        return ModelDescription.from_dict(description.as_dict(), where=run / "settings.yaml")  # checks the types
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:  # InputError is a ValueError
        raise InputError(
            f"{run}: settings.yaml is not the file of a training run ({shown(str(error))}). Train it again."
        ) from error
