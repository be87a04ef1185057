"""Linear block (linear layer, batch normalization, ReLU) and its initialization.

The 1x1 convolutions of the paper are linear blocks too: on channels-last feature maps they are the same matrix product.
"""

import math

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


def scaled_linear(in_features: int, out_features: int, *, bias: bool = True) -> nn.Linear:
    """Return a linear layer with weights from N(0, sqrt(2 / out_features)), the second value a standard deviation."""
    linear = nn.Linear(in_features, out_features, bias=bias)
    nn.init.normal_(linear.weight, std=math.sqrt(2 / out_features))
    return linear


class LinearBlock(nn.Module):
    """``ReLU(BatchNorm(W x + b))`` over the last axis; all other axes are samples.

    Args:
        in_features, out_features: width of input and output.
        num_blocks: number of independent blocks with the same input. Their outputs are concatenated along the last axis.
            One matrix product computes all of them, which is exact because batch normalization is per channel.
    """

    def __init__(self, in_features: int, out_features: int, *, num_blocks: int = 1) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, num_blocks * out_features)
        self.norm = nn.BatchNorm1d(num_blocks * out_features)
        nn.init.normal_(self.linear.weight, std=math.sqrt(2 / out_features))

    def forward(self, x: Float[Tensor, "*samples in_features"]) -> Float[Tensor, "*samples out_features"]:
        """Return ``*samples (num_blocks out_features)``."""
        return self.activate(self.linear(x))

    def activate(self, x: Float[Tensor, "*samples features"]) -> Float[Tensor, "*samples features"]:
        """Return the output of the block from that of its linear layer."""
        rows = self.norm(x.flatten(0, -2))
        return F.relu(rows, inplace=True).view(x.shape)
