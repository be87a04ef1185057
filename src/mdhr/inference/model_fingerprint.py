"""Model fingerprint: scores of fixed clips, stored at export and compared on loading."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from mdhr.inference.model import Model
from mdhr.inference.model_description import ModelDescription

MAX_DIFFERENCE = 1e-3
"""Largest absolute difference between a score and its stored value; the CPU and library versions may differ."""
SQUARE_SIZE = 16
"""Pixels of a square of one color."""


def fixed_clips(description: ModelDescription, *, num_clips: int = 1, seed: int = 0) -> Tensor:
    """Return clips ``B T 3 S S`` uint8 of randomly colored squares, identical on every machine.

    Squares instead of pixel noise make the scores depend on every layer.
    """
    side = -(-description.crop_size // SQUARE_SIZE)
    shape = (num_clips, description.num_frames, 3, side, side)
    # Only the raw bits of a bit generator are guaranteed to stay the same across versions of numpy.
    bits = np.random.PCG64(seed).random_raw(int(np.prod(shape))) >> 56
    squares = bits.astype(np.uint8).reshape(shape).repeat(SQUARE_SIZE, axis=-2).repeat(SQUARE_SIZE, axis=-1)
    return torch.from_numpy(squares[..., : description.crop_size, : description.crop_size].copy())


def compute_fingerprint(model: Model) -> list[list[float]]:
    """Return the scores ``(T, N)`` of one fixed clip, rounded to six digits."""
    return model.score(fixed_clips(model.description))[0].astype(float).round(6).tolist()


def matches_fingerprint(model: Model, fingerprint: Any) -> bool:
    """Whether the scores of the fixed clip equal a stored fingerprint up to :data:`MAX_DIFFERENCE`."""
    scores, expected = model.score(fixed_clips(model.description))[0], np.array(fingerprint, dtype=np.float32)
    return expected.shape == scores.shape and bool(np.abs(expected - scores).max() <= MAX_DIFFERENCE)
