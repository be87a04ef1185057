"""Regression heads on the last feature map of a backbone.

Letters: B frames, H W positions, C channels, K targets.
"""

import torch
from torch import Tensor, nn

from mdhr.action_units.regions import LOWER, MIDDLE, UPPER
from mdhr.network.blocks import LinearBlock
from mdhr.network.local_relationships import region_positions


class PositionHead(nn.Module):
    """Head on the flattened positions, so that the backbone has to encode where features are."""

    def __init__(self, *, in_features: int, num_positions: int, out_features: int) -> None:
        super().__init__()
        self.squeeze = LinearBlock(in_features, 64)
        self.hidden = LinearBlock(64 * num_positions, 256)
        self.out = nn.Linear(256, out_features)

    def forward(self, feature_map: Tensor) -> Tensor:
        """Return targets ``B K`` of a feature map ``B H W C``."""
        return self.out(self.hidden(self.squeeze(feature_map).flatten(1)))


class RegionHead(nn.Module):
    """Head on region averages as in MDHR: a linear block on the positions of each region, then their mean."""

    def __init__(self, *, in_features: int, out_features: int) -> None:
        super().__init__()
        self.regions = (UPPER, MIDDLE, LOWER)
        self.blocks = nn.ModuleList(LinearBlock(in_features, 128) for _ in self.regions)
        self.out = nn.Linear(128 * len(self.regions), out_features)

    def forward(self, feature_map: Tensor) -> Tensor:
        """Return targets ``B K`` of a feature map ``B H W C``."""
        means = [
            block(region_positions(feature_map, region)).mean(1)
            for block, region in zip(self.blocks, self.regions, strict=True)
        ]
        return self.out(torch.cat(means, -1))
