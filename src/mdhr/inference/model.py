"""A trained model, whatever it is stored as: clips of face crops in, scores out.

A model is read without running code of its file's: weights are tensors alone, settings are numbers and names that a
fixed list knows.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from mdhr.action_units import ActionUnitSet, action_unit_set
from mdhr.data.transforms import normalize
from mdhr.errors import InputError
from mdhr.inference.model_description import ModelDescription

Scorer = Callable[[Tensor], Tensor]
"""Clips ``B T 3 S S`` uint8 on its device to scores ``B T N``."""


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
