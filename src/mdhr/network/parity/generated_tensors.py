"""Weights and inputs of the golden outputs, generated from tensor names.

``tests/golden/parity/README.md`` defines the rule. Another salt gives other values for the same names.
"""

import math
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from mdhr.network.backbone import Backbone
from mdhr.network.checkpoints.tensor_mapping import RELEASED_BACKBONES, is_constant


def random_backbone(name: str) -> Backbone:
    """Return the released backbone ``resnet50`` or ``swin_base`` with random weights."""
    return Backbone(**RELEASED_BACKBONES[name], pretrained=False, weights=None, drop_path_rate=0.0, input_size=224)


def generator(name: str, salt: str) -> np.random.Generator:
    """Return the random number generator of a name."""
    return np.random.default_rng(zlib.crc32((salt + name).encode()))


def generated_tensor(key: str, shape: list[int], salt: str) -> np.ndarray:
    """Return the values of a tensor of a released checkpoint."""
    g, last = generator(key, salt), key.rpartition(".")[2]
    if last == "running_var":
        return 0.5 + g.random(shape)
    if last == "running_mean":
        return 0.1 * g.standard_normal(shape)
    if len(shape) < 2:
        return 0.1 * g.standard_normal(shape) + (last == "weight")
    tensor = g.standard_normal(shape) / math.sqrt(math.prod(shape[1:]))
    if key.startswith("LRM.") and key.endswith(
        "_fc.weight"
    ):  # separates the logits, so that rounding does not change the argmax
        tensor = 40 * (tensor - tensor.mean(1, keepdims=True))
    return tensor


def generated_checkpoint(shapes: Mapping[str, list[int]], salt: str) -> dict[str, Tensor]:
    """Return a checkpoint in the released layout from its keys and shapes."""
    return {
        key: torch.zeros(shape, dtype=torch.long)
        if key.endswith("num_batches_tracked") or is_constant(key)
        else torch.from_numpy(np.asarray(generated_tensor(key, shape, salt), dtype=np.float32))
        for key, shape in shapes.items()
    }


def generated_frames(name: str, leading: Sequence[int], salt: str) -> Tensor:
    """Return noise in blocks of 16 x 16 px, ``*leading 3 224 224``."""
    coarse = generator(name, salt).standard_normal((*leading, 3, 14, 14))
    return torch.from_numpy(np.kron(coarse, np.ones((16, 16))).astype(np.float32))
