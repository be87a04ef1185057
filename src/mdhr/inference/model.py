"""A trained model, whatever it is stored as: clips of face crops in, scores out.

A model is read without running code of its file's: weights are tensors alone, settings are numbers and names that a
fixed list knows.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor, nn

from mdhr.action_units import ActionUnitSet, action_unit_set
from mdhr.data.transforms import normalize
from mdhr.errors import InputError

Scorer = Callable[[Tensor], Tensor]
"""Clips ``B T 3 S S`` uint8 on its device to scores ``B T N``."""


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


class ScoringNetwork(nn.Module):
    """A network with what comes before and after it: uint8 pixels in, scores out."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor) -> Tensor:
        """Clips ``B T 3 S S`` uint8 RGB to scores ``B T N`` in [0, 1]."""
        return self.network(normalize(frames)).scores


class Model:
    """Scores clips.

    Parameters
    ----------
    scorer: what computes; see ``mdhr.inference.model_formats`` for the kinds there are.
    description: how its clips are cut.
    device: where the scorer takes its clips.
    """

    def __init__(self, scorer: Scorer, description: ModelDescription, device: torch.device) -> None:
        self._scorer = scorer
        self.description = description
        self.device = device

    @property
    def au_set(self) -> ActionUnitSet:
        """The action units, in the order of the scores."""
        return action_unit_set(self.description.au_set)

    @torch.inference_mode()
    def score(self, clips: Tensor) -> np.ndarray:
        """``(B, T, N)`` float32 scores of clips ``B T 3 S S``, uint8 RGB on the CPU.

        Raises ``InputError`` for clips of another shape or type.
        """
        d = self.description
        expected = (d.num_frames, 3, d.crop_size, d.crop_size)
        if clips.dtype != torch.uint8 or clips.shape[1:] != expected:
            raise InputError(
                f"clips are {clips.dtype} {tuple(clips.shape)}: this model takes torch.uint8 (B, "
                f"{', '.join(map(str, expected))})"
            )
        return self._scorer(clips.to(self.device)).float().cpu().numpy()


def load_model(path: str | Path, *, device: str | torch.device = "auto", trusted: bool = False) -> Model:
    """A trained model, ready to score.

    Parameters
    ----------
    path: a run folder, a checkpoint in one (``runs/demo/checkpoints/best.ckpt``), an exported folder, or a file of one
        (``model.safetensors``, ``model.pt2``, ``model.onnx``).
    device: ``auto`` takes the accelerator where there is one.
    trusted: you made the file yourself. ``model.pt2`` alone asks for it: torch reads it by unpickling.

    Raises ``InputError`` that names the file where there is no model, it is not whole, asks for something that no model
    needs, or scores otherwise than it did when it was exported.
    """
    from mdhr.inference.model_files import (
        open_model,  # it knows every kind of file; this file is what they have in common
    )

    return open_model(Path(path).expanduser(), choose_device(device), trusted=trusted)


def read_yaml(path: Path) -> Any:
    """Content of a YAML file, plain values alone; ``InputError`` that names it where it cannot be read."""
    try:
        return yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error


def choose_device(device: str | torch.device) -> torch.device:
    """The device of that name; ``auto``: the accelerator where there is one. ``InputError`` if it is not here."""
    if device == "auto":
        return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen)
    except Exception as error:
        raise InputError(f"device {device} is not here: say auto or cpu") from error
    return chosen
