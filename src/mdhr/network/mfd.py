"""MFD, multi-scale facial dynamics (paper section 3.1).

With X_s the feature maps of scale s, T frames per clip and temporal radius k::

    d_s[j] = X_s[j+1] - X_s[j]                                        temporal difference, j = 0..T-2
    f_s[j] = ReLU(BN(patch_projection_s(d_s[j])))                     C4 channels on the grid of the last feature map
    m_s[t] = 1/(2k) * sum of f_s[j] over j = t-k .. t+k-1             window mean, terms outside 0..T-2 are zero
    a      = softmax over s of conv(concat_s ReLU(BN(conv_s(m_s))))   weight of every scale per position
    M[t]   = ReLU(BN(conv(sum over s of a_s * m_s)))                  dynamic feature, D channels
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mdhr.errors import InputError
from mdhr.network.blocks import LinearBlock
from mdhr.network.optimization.activation_checkpointing import recompute
from mdhr.network.optimization.backward_memory import clip_difference, defer_backward

SCALE_CHANNELS = 16
"""Channels per scale from which the scale weights are computed."""


def frame_difference(maps: Float[Tensor, "BT C H W"], num_frames: int) -> Float[Tensor, "steps C H W"]:
    """Return d, the differences of consecutive feature maps of every clip, ``(B (T-1)) C H W``."""
    # Channels-last maps are contiguous as B T H W C, and so is their gradient.
    clips = maps.permute(0, 2, 3, 1).unflatten(0, (-1, num_frames))
    return clip_difference(clips).flatten(0, 1).permute(0, 3, 1, 2)


def window_mean(steps: Float[Tensor, "B steps H W C"], temporal_radius: int) -> Float[Tensor, "B T H W C"]:
    """Return m, the mean of the 2k differences around every frame; T-1 differences give T means.

    Differences outside the clip count as zero and the divisor is always 2k. This is average pooling over time with
    zero padding included in the count.

    Raises:
        InputError: k is not in 1 .. T/2.
    """
    num_frames = steps.shape[1] + 1
    if not 1 <= temporal_radius <= num_frames / 2:
        raise InputError(
            f"network.temporal_radius={temporal_radius} is out of range: expected 1 to {num_frames // 2} "
            f"(half of the {num_frames} frames of a clip)."
        )
    height, width = steps.shape[2:4]
    pooled = F.avg_pool2d(
        rearrange(steps, "b j h w c -> b c j (h w)"),
        kernel_size=(2 * temporal_radius, 1),
        stride=1,
        padding=(temporal_radius, 0),
    )
    return rearrange(pooled, "b c t (h w) -> b t h w c", h=height, w=width)


class PatchProjection(nn.Module):
    """Convolution with kernel size equal to the stride, batch normalization, ReLU.

    Patches do not overlap, so the convolution is a reshape and one matrix product.
    """

    def __init__(self, *, in_channels: int, out_channels: int, patch: int) -> None:
        super().__init__()
        self.patch = patch
        self.block = LinearBlock(patch * patch * in_channels, out_channels)
        nn.init.normal_(self.block.linear.weight, std=math.sqrt(2 / (patch * patch * out_channels)))

    def forward(self, x: Float[Tensor, "steps C_in H_in W_in"]) -> Float[Tensor, "steps H W C_out"]:
        """Return the projected patches. Channels-last input is copied once, or not at all if ``patch`` is 1."""
        return self.block.activate(self.project(x))

    def project(self, x: Float[Tensor, "steps C_in H_in W_in"]) -> Float[Tensor, "steps H W C_out"]:
        """Return the output of the convolution."""
        patches = rearrange(x, "n c (h p) (w q) -> n h w (p q c)", p=self.patch, q=self.patch)
        return self.block.linear(patches)


class FacialDynamics(nn.Module):
    """Dynamic feature of every frame from the feature maps of four scales.

    Args:
        widths, strides: channels and strides of the feature maps, finest first.
        width: D.
        temporal_radius: k, temporal differences on either side of a frame.

    Raises:
        InputError: k is below 1.
    """

    def __init__(self, *, widths: Sequence[int], strides: Sequence[int], width: int, temporal_radius: int) -> None:
        super().__init__()
        if temporal_radius < 1:
            raise InputError(
                f"network.temporal_radius={temporal_radius} is out of range: "
                "expected 1 to half of the frames of a clip."
            )
        self.temporal_radius = temporal_radius
        self.projections = nn.ModuleList(
            PatchProjection(in_channels=channels, out_channels=widths[-1], patch=strides[-1] // stride)
            for channels, stride in zip(widths, strides, strict=True)
        )
        self.scale_features = nn.ModuleList(LinearBlock(widths[-1], SCALE_CHANNELS) for _ in widths)
        self.scale_logits = nn.Linear(len(widths) * SCALE_CHANNELS, len(widths))
        self.output = LinearBlock(widths[-1], width)
        nn.init.normal_(self.scale_logits.weight, std=math.sqrt(2 / len(widths)))

    def forward(self, maps: Sequence[Tensor], num_frames: int) -> Float[Tensor, "BT H W D"]:
        """Return M from the feature maps ``BT C_s H_s W_s`` of all scales, finest first."""
        means = [self._mean_dynamics(*pair, num_frames) for pair in zip(self.projections, maps, strict=True)]
        features = [block(mean) for block, mean in zip(self.scale_features, means, strict=True)]
        weights = self.scale_logits(torch.cat(features, -1)).softmax(-1)
        mixed = sum(weight.unsqueeze(-1) * mean for weight, mean in zip(weights.unbind(-1), means, strict=True))
        return self.output(mixed).flatten(0, 1)

    def _mean_dynamics(self, projection: Any, maps: Tensor, num_frames: int) -> Tensor:
        """Return m of one scale, ``B T H W C4``."""
        # The differences are as large as the feature maps, and computing them takes little of the time.
        project = lambda maps: projection.project(frame_difference(maps, num_frames))  # noqa: E731
        steps = projection.block.activate(recompute(project, maps, module=projection))
        defer_backward(steps, maps)
        return window_mean(steps.unflatten(0, (-1, num_frames - 1)), self.temporal_radius)
