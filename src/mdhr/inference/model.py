"""Trained model: takes clips of face crops and returns scores, in any of the formats it may be stored in."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from mdhr.action_units import ActionUnitSet, parse_action_unit_set
from mdhr.config.precision import FLOAT32
from mdhr.data.transforms import normalize
from mdhr.errors import InputError
from mdhr.inference.model_description import ModelDescription

Scorer = Callable[[Tensor], Tensor]
"""Maps clips ``B T 3 S S`` uint8 to scores ``B T N``, both on the device of the scorer."""


class ScoringNetwork(nn.Module):
    """Network with normalization of its input, returning scores only."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor) -> Tensor:
        """Return scores ``B T N`` in [0, 1] of clips ``B T 3 S S`` uint8 RGB."""
        return self.network(normalize(frames)).scores


class Model:
    """Trained model that scores clips.

    Args:
        scorer: network or graph; :mod:`mdhr.inference.model_formats` creates one for each format.
        description: input size, action units and threshold.
        device: device of the scorer.
        precision: precision of the scorer; see :mod:`mdhr.config.precision`.
    """

    def __init__(
        self, scorer: Scorer, description: ModelDescription, device: torch.device, *, precision: str = FLOAT32
    ) -> None:
        self._scorer = scorer
        self.description = description
        self.device = device
        self.precision = precision

    @property
    def au_set(self) -> ActionUnitSet:
        """Action units in the order of the scores."""
        return parse_action_unit_set(self.description.au_set)

    @torch.inference_mode()
    def score(self, clips: Tensor) -> np.ndarray:
        """Return the scores ``(B, T, N)`` float32 of clips ``B T 3 S S``, uint8 RGB on the CPU.

        Raises ``InputError`` if the clips or the scores have another shape or type.
        """
        d = self.description
        expected = (d.num_frames, 3, d.crop_size, d.crop_size)
        if clips.dtype != torch.uint8 or clips.shape[1:] != expected:
            raise InputError(
                f"clips are {clips.dtype} {tuple(clips.shape)}, expected torch.uint8 (B, {', '.join(map(str, expected))})"
            )
        scores = self._scorer(clips.to(self.device))
        described = (len(clips), d.num_frames, len(self.au_set.aus))
        if tuple(scores.shape) != described:
            raise InputError(
                f"the model returns scores {tuple(scores.shape)}, but its description requires {described}. "
                "Use files of a single run or export only."
            )
        return scores.float().cpu().numpy()


def choose_device(device: str | torch.device) -> torch.device:
    """Return the device of that name; ``auto`` is the accelerator if there is one, else the CPU.

    Raises ``InputError`` if the device does not exist.
    """
    if device == "auto":
        return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen)
    except Exception as error:
        raise InputError(f"device {device} is not available. Pass auto or cpu.") from error
    return chosen
