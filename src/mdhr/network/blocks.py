"""The linear block that every part of the network is made of: linear, batch normalization, ReLU.

A 1x1 convolution on a map stored channels last is the same matrix product, so the paper's 1x1 convolutions are
linear blocks too.
"""

import math

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


def scaled_linear(in_features: int, out_features: int, *, bias: bool = True) -> nn.Linear:
    """A linear layer whose weights begin as N(0, sqrt(2 / out_features))."""
    linear = nn.Linear(in_features, out_features, bias=bias)
    nn.init.normal_(linear.weight, std=math.sqrt(2 / out_features))
    return linear


class LinearBlock(nn.Module):
    """``ReLU(BatchNorm(W x + b))`` over the last axis; every other axis counts as a sample.

    Parameters
    ----------
    in_features, out_features: width before and after.
    num_blocks: how many independent blocks that read the same input stand side by side; their outputs follow each
        other along the last axis. One wide product then does the work of ``num_blocks`` narrow ones, and because
        batch normalization treats every channel by itself the result is the same.
    """

    def __init__(self, in_features: int, out_features: int, *, num_blocks: int = 1) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, num_blocks * out_features)
        self.norm = nn.BatchNorm1d(num_blocks * out_features)
        nn.init.normal_(self.linear.weight, std=math.sqrt(2 / out_features))

    def forward(self, x: Float[Tensor, "*samples in_features"]) -> Float[Tensor, "*samples out_features"]:
        """Apply the block."""
        x = self.linear(x)
        rows = self.norm(x.flatten(0, -2))
        return F.relu(rows, inplace=True).view(x.shape)
