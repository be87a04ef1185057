"""MFD, multi-scale facial dynamics (paper section 3.1).

For every scale s of the backbone, with maps X_s:

    d_s[j] = X_s[j+1] - X_s[j]                                    j = 0..T-2, temporal difference
    f_s[j] = ReLU(BN(patch_projection_s(d_s[j])))                 to C4 channels on the last map's grid
    m_s[t] = 1/2k * sum of f_s[j] over j = t-k .. t+k-1           window mean, terms outside 0..T-2 are zero
    a      = softmax over s of conv(concat_s ReLU(BN(conv_s m_s)))    one weight per scale and position
    M[t]   = ReLU(BN(conv(sum over s of a_s * m_s)))              dynamic feature, width D
"""

import math
from collections.abc import Sequence

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mdhr.errors import InputError
from mdhr.network.blocks import LinearBlock

SCALE_FEATURES = 16
"""Channels that speak for one scale when the weights of the scales are chosen."""


def frame_difference(maps: Float[Tensor, "frames c h w"], num_frames: int) -> Float[Tensor, "steps c h w"]:
    """Next map minus this one inside every clip: ``(B T) C H W`` to ``(B (T-1)) C H W``."""
    clips = maps.unflatten(0, (-1, num_frames))
    return (clips[:, 1:] - clips[:, :-1]).flatten(0, 1)


def window_mean(steps: Float[Tensor, "b steps h w c"], temporal_radius: int) -> Float[Tensor, "b frames h w c"]:
    """Mean of the 2k differences around every frame; T-1 differences give T means.

    Differences outside the clip count as zero and the divisor stays 2k, which is an average pooling along time whose
    zero padding is counted.

    Raises
    ------
    InputError: k is not in 1 .. T/2.
    """
    num_frames = steps.shape[1] + 1
    if not 1 <= temporal_radius <= num_frames / 2:
        raise InputError(
            f"temporal_radius (k) is {temporal_radius}: choose 1 to {num_frames // 2}, "
            f"at most half of the clip's {num_frames} frames"
        )
    _, _, h, w, _ = steps.shape
    pooled = F.avg_pool2d(
        rearrange(steps, "b j h w c -> b c j (h w)"),
        kernel_size=(2 * temporal_radius, 1),
        stride=1,
        padding=(temporal_radius, 0),
    )
    return rearrange(pooled, "b c t (h w) -> b t h w c", h=h, w=w)


class PatchProjection(nn.Module):
    """Convolution whose kernel equals its stride, batch normalization, ReLU.

    Kernel equals stride, so no pixel is read twice: cutting the map into patches is a reshape and the convolution one
    matrix product.
    """

    def __init__(self, *, in_channels: int, out_channels: int, patch: int) -> None:
        super().__init__()
        self.patch = patch
        self.block = LinearBlock(patch * patch * in_channels, out_channels)
        nn.init.normal_(self.block.linear.weight, std=math.sqrt(2 / (patch * patch * out_channels)))

    def forward(self, x: Float[Tensor, "n c h_in w_in"]) -> Float[Tensor, "n h w c_out"]:
        """Maps stored channels last are cut with a single copy (none where the patch is one position)."""
        patches = rearrange(x, "n c (h p) (w q) -> n h w (p q c)", p=self.patch, q=self.patch)
        return self.block(patches)


class FacialDynamics(nn.Module):
    """Dynamic feature of every frame from the four maps of the backbone.

    Parameters
    ----------
    widths, strides: channels and strides of the maps, finest first.
    width: D.
    temporal_radius: k, differences taken on either side of a frame.
    """

    def __init__(self, *, widths: Sequence[int], strides: Sequence[int], width: int, temporal_radius: int) -> None:
        super().__init__()
        if temporal_radius < 1:
            raise InputError(f"temporal_radius (k) is {temporal_radius}: choose 1 to half of the clip's frames")
        self.temporal_radius = temporal_radius
        self.projections = nn.ModuleList(
            PatchProjection(in_channels=channels, out_channels=widths[-1], patch=strides[-1] // stride)
            for channels, stride in zip(widths, strides, strict=True)
        )
        self.scale_features = nn.ModuleList(LinearBlock(widths[-1], SCALE_FEATURES) for _ in widths)
        self.scale_logits = nn.Linear(len(widths) * SCALE_FEATURES, len(widths))
        self.output = LinearBlock(widths[-1], width)
        nn.init.normal_(self.scale_logits.weight, std=math.sqrt(2 / len(widths)))

    def forward(self, maps: Sequence[Tensor], num_frames: int) -> Float[Tensor, "frames h w d"]:
        """From maps ``(B T) C_s H_s W_s``, finest first, to ``(B T) H' W' D``."""
        means = [self._mean_dynamics(*pair, num_frames) for pair in zip(self.projections, maps, strict=True)]
        features = [block(mean) for block, mean in zip(self.scale_features, means, strict=True)]
        weights = self.scale_logits(torch.cat(features, -1)).softmax(-1)
        mixed = sum(weight.unsqueeze(-1) * mean for weight, mean in zip(weights.unbind(-1), means, strict=True))
        return self.output(mixed).flatten(0, 1)

    def _mean_dynamics(self, projection: nn.Module, maps: Tensor, num_frames: int) -> Tensor:
        """Window mean of one scale's projected differences, ``B T H' W' C4``."""
        steps = projection(frame_difference(maps, num_frames))
        return window_mean(steps.unflatten(0, (-1, num_frames - 1)), self.temporal_radius)
