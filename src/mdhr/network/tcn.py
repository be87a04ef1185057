"""TCN, temporal convolution of the nodes of every action unit (supplement, eq. 1).

    v_n <- ReLU(BN(Conv1d_n(v_n)))

Conv1d_n is a depthwise convolution over the T frames with kernel size 5, separate for every action unit n. The batch
normalization has one channel per action unit.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

KERNEL_SIZE = 5


def temporal_convolution(
    nodes: Float[Tensor, "B T N D"], weight: Float[Tensor, "N D kernel"], bias: Float[Tensor, "N D"]
) -> Float[Tensor, "B T N D"]:
    """Convolve every channel of every action unit along time with its own kernel, zero-padded to the same length.

    The N D convolutions are one grouped 2D convolution of width 1: the nodes already have its channels-last layout, so
    no transposed copy is made.
    """
    num_channels, kernel_size = weight.shape[0] * weight.shape[1], weight.shape[2]
    convolved = F.conv2d(
        nodes.flatten(2).permute(0, 2, 1).unsqueeze(-1),  # B (N D) T 1
        weight.reshape(num_channels, 1, kernel_size, 1),
        bias.flatten(),
        padding=(kernel_size // 2, 0),
        groups=num_channels,
    )
    return convolved.squeeze(-1).permute(0, 2, 1).reshape(nodes.shape)


class TemporalConvolution(nn.Module):
    """Temporal convolution, batch normalization over the action units, ReLU."""

    def __init__(self, *, num_aus: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_aus, width, KERNEL_SIZE))
        self.bias = nn.Parameter(torch.empty(num_aus, width))
        self.norm = nn.BatchNorm1d(num_aus)
        bound = 1 / math.sqrt(KERNEL_SIZE)  # default initialization of a depthwise nn.Conv1d
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, nodes: Float[Tensor, "BT N D"], num_frames: int) -> Float[Tensor, "BT N D"]:
        """Return the updated nodes of clips with ``num_frames`` (T) frames."""
        clips = nodes.unflatten(0, (-1, num_frames))
        convolved = temporal_convolution(clips, self.weight, self.bias).flatten(0, 1)
        return F.relu(self.norm(convolved), inplace=True)
