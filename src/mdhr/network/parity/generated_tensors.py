"""What the golden folder does not hold: weights and inputs, filled by a rule from names.

The rule is written out in ``tests/golden/parity/README.md``. The salt makes other numbers under the same names.
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
    """``resnet50`` or ``swin_base`` as released, with random weights."""
    return Backbone(**RELEASED_BACKBONES[name], pretrained=False, weights=None, drop_path_rate=0.0, input_size=224)


def generator(name: str, salt: str) -> np.random.Generator:
    """The random numbers that belong to a name."""
    return np.random.default_rng(zlib.crc32((salt + name).encode()))


def generated_tensor(key: str, shape: list[int], salt: str) -> np.ndarray:
    """A tensor of a released checkpoint, filled by the rule of its name."""
    g, last = generator(key, salt), key.rpartition(".")[2]
    if last == "running_var":
        return 0.5 + g.random(shape)
    if last == "running_mean":
        return 0.1 * g.standard_normal(shape)
    if len(shape) < 2:
        return 0.1 * g.standard_normal(shape) + (last == "weight")
    tensor = g.standard_normal(shape) / math.sqrt(math.prod(shape[1:]))
    if key.startswith("LRM.") and key.endswith("_fc.weight"):  # pattern heads: decisions far from a tie
        tensor = 40 * (tensor - tensor.mean(1, keepdims=True))
    return tensor


def generated_checkpoint(shapes: Mapping[str, list[int]], salt: str) -> dict[str, Tensor]:
    """A checkpoint in the released layout from its keys and shapes."""
    return {
        key: torch.zeros(shape, dtype=torch.long)
        if key.endswith("num_batches_tracked") or is_constant(key)
        else torch.from_numpy(np.asarray(generated_tensor(key, shape, salt), dtype=np.float32))
        for key, shape in shapes.items()
    }


def generated_frames(name: str, leading: Sequence[int], salt: str) -> Tensor:
    """Coarse noise, ``*leading 3 224 224``."""
    coarse = generator(name, salt).standard_normal((*leading, 3, 14, 14))
    return torch.from_numpy(np.kron(coarse, np.ones((16, 16))).astype(np.float32))
