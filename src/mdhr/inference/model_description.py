"""What describes the model of a run: written when it is trained, worked out from its data set where it was not."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from mdhr.action_units import action_unit_set
from mdhr.data.faces.cropping import FILL
from mdhr.data.prepared.manifest import DESCRIPTION
from mdhr.data.provenance import is_rendered
from mdhr.errors import InputError
from mdhr.files.atomic import write_text

FILE = "model.yaml"
"""In the folder of a run."""
RENDERED = "rendered faces only, never a real one"
FPS = {"BP4D": 25.0, "DISFA": 20.0}
"""Of the videos of either data set."""
_RENDERED_AS = {"zoom": 1.1, "stride": 3}
"""How conf/data/synthetic*.yaml renders; for runs whose data set is gone."""


@dataclass(frozen=True)
class ModelDescription:
    """What there is to know of a model besides its weights, to score a video as it was trained."""

    au_set: str
    """``BP4D`` or ``DISFA``: the action units it scores."""
    num_frames: int
    """T, frames of a clip."""
    crop_size: int
    """Pixels, height and width of what the network sees."""
    seconds_between: float
    """Of neighboring frames of a clip in training."""
    fill: float
    """Share of the crop's height from brow to chin, see :mod:`mdhr.data.faces.cropping`."""
    threshold: float
    """Smallest score that counts as a detection."""
    trained_on: str
    """For people: ``rendered faces only, never a real one``."""

    def __post_init__(self) -> None:
        action_unit_set(self.au_set)
        possible = self.num_frames >= 1 and self.crop_size >= 32 and self.seconds_between > 0 and self.fill > 0
        if not (possible and 0 <= self.threshold <= 1):
            raise InputError(f"no model is like this: {self}")

    def as_dict(self) -> dict[str, Any]:
        """For a YAML file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any, *, where: Path) -> "ModelDescription":
        """Read back what :meth:`as_dict` gave; ``InputError`` that names the file where it is something else."""
        types = {field.name: field.type for field in fields(cls)}
        if not isinstance(values, Mapping) or set(values) != set(types):
            raise InputError(f"{where}: a model is described by {', '.join(types)}; export or train it again")
        try:
            return cls(**{name: types[name](value) for name, value in values.items()})  # type: ignore[operator]
        except (TypeError, ValueError) as error:
            raise InputError(f"{where}: {error}") from error


def describe(settings: Mapping[str, Any], *, fps: float, preparation: Mapping[str, Any]) -> ModelDescription:
    """What describes a model trained with these settings.

    Parameters
    ----------
    settings: of the run, resolved.
    fps: frames per second of its data set; preparation: the settings that was prepared with, for its crop.
    """
    data = settings["data"]
    return ModelDescription(
        au_set=data["au_set"]["name"],
        num_frames=data["num_frames"],
        crop_size=data["crop_size"],
        seconds_between=data["module"].get("frame_stride", 1) / fps,
        fill=round(preparation.get("fill", FILL) * preparation.get("zoom", 1.0), 6),
        threshold=settings["module"]["threshold"],
        trained_on=trained_on(data),
    )


def trained_on(data: Mapping[str, Any]) -> str:
    """For people: ``bp4d, protocol honest, people of fold 1 left out``."""
    if is_rendered(data["name"]):
        return RENDERED
    return f"{data['name']}, protocol {data['protocol']}, people of fold {data['fold']} left out"


def write_description(run: Path, description: ModelDescription) -> None:
    """Leave it in the folder of a run."""
    write_text(run / FILE, yaml.safe_dump(description.as_dict(), sort_keys=False))


def describe_run(run: Path, settings: Mapping[str, Any]) -> ModelDescription:
    """What describes the model of a run; ``InputError`` where neither its folder nor its data set says so."""
    if (run / FILE).is_file():
        return ModelDescription.from_dict(read_yaml(run / FILE), where=run / FILE)
    try:
        data = settings["data"]
        prepared = Path(data.get("prepared", "")) / DESCRIPTION
        source = data["module"].get("source", {})
        if prepared.is_file():
            manifest = read_yaml(prepared)
            return describe(settings, fps=manifest["fps"], preparation=manifest.get("settings") or {})
        fps = source.get("fps") or FPS[data["au_set"]["name"]]
        if is_rendered(data["name"]):
            return describe(settings, fps=fps / _RENDERED_AS["stride"], preparation={"zoom": _RENDERED_AS["zoom"]})
        return describe(settings, fps=fps, preparation={})
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{run}: its settings are not those of a training ({error}): train it again") from error


def read_yaml(path: Path) -> Any:
    """Content of a YAML file, plain values alone; ``InputError`` that names it where it cannot be read."""
    try:
        return yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
