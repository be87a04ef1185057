"""TCN, temporal convolution of every action unit's node (supplement, eq. 1).

    v_n = ReLU(BN(Conv1d_n(v_n)))      depthwise over the T frames, kernel 5

The batch normalization has one channel per action unit.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

KERNEL = 5


def temporal_convolution(
    nodes: Float[Tensor, "b t aus d"], weight: Float[Tensor, "aus d kernel"], bias: Float[Tensor, "aus d"]
) -> Float[Tensor, "b t aus d"]:
    """Convolve every channel of every action unit along time with its own kernel, zero padded to the same length.

    All N * D of them are one grouped convolution. It is written as a two-dimensional one of width 1, because then the
    nodes are in its channels-last layout as they are and nothing is transposed.
    """
    num_channels, kernel = weight.shape[0] * weight.shape[1], weight.shape[2]
    convolved = F.conv2d(
        nodes.flatten(2).permute(0, 2, 1).unsqueeze(-1),  # b (aus d) t 1
        weight.reshape(num_channels, 1, kernel, 1),
        bias.flatten(),
        padding=(kernel // 2, 0),
        groups=num_channels,
    )
    return convolved.squeeze(-1).permute(0, 2, 1).reshape(nodes.shape)


class TemporalConvolution(nn.Module):
    """Temporal convolution, batch normalization over the action units, ReLU."""

    def __init__(self, *, num_aus: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_aus, width, KERNEL))
        self.bias = nn.Parameter(torch.empty(num_aus, width))
        self.norm = nn.BatchNorm1d(num_aus)
        bound = 1 / math.sqrt(KERNEL)  # what torch gives a depthwise Conv1d of this kernel
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, nodes: Float[Tensor, "frames aus d"], num_frames: int) -> Float[Tensor, "frames aus d"]:
        """Nodes ``(B T) N D`` in and out, ``num_frames`` is T."""
        clips = nodes.unflatten(0, (-1, num_frames))
        convolved = temporal_convolution(clips, self.weight, self.bias).flatten(0, 1)
        return F.relu(self.norm(convolved), inplace=True)
