"""MDHR, multi-scale dynamic and hierarchical relationship modeling (paper Figure 2)."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from mdhr.action_units import ActionUnitSet
from mdhr.config.ranges import PositiveInt, Width
from mdhr.network.backbone import Backbone, FeatureMaps
from mdhr.network.blocks import LinearBlock
from mdhr.network.cross_region import CrossRegionGraph
from mdhr.network.local_relationships import FullFaceNodes, LocalRelationships
from mdhr.network.mfd import FacialDynamics
from mdhr.network.similarity import Similarity
from mdhr.network.tcn import TemporalConvolution


class NetworkOutput(NamedTuple):
    """Predictions of a network for a batch of clips."""

    scores: Tensor
    """``B T N`` in [0, 1]."""
    region_logits: tuple[Tensor, ...]
    """R tensors ``B T num_patterns``; empty for a network without regions."""
    edge_logits: Tensor | None = None
    """``B T N N 4``, or None for a network without edge features. ``[..., i, j, :]`` are the logits of
    ``2 * y_i + y_j``."""


def default_width(backbone_width: int) -> int:
    """Return D for a backbone with C4 channels in its last feature map: C4/4 from 2048 on (ResNet-50), else C4/2."""
    return backbone_width // 4 if backbone_width >= 2048 else backbone_width // 2


class MDHR(nn.Module):
    """Multi-scale dynamic and hierarchical relationship network for facial action units.

    Args:
        backbone: feature extractor of single frames.
        au_set: the action units to predict and their region groups.
        width: D; None selects the value of the paper, see :func:`default_width`.
        temporal_radius: k, temporal differences on either side of a frame (section 3.1); 1 to T/2.
        use_mfd: add the dynamic feature (MFD) to the static feature.
        use_hsr: predict region patterns and use cross-region attention (HSR). Without it, every action unit reads the full
            feature map.
        use_tcn: apply the temporal convolution to the nodes (TCN, part of HSR in the paper).
    """

    def __init__(
        self,
        *,
        backbone: Backbone,
        au_set: ActionUnitSet,
        width: Width | None,
        temporal_radius: PositiveInt,
        use_mfd: bool,
        use_hsr: bool,
        use_tcn: bool,
    ) -> None:
        super().__init__()
        self.au_set = au_set
        widths, num_aus = backbone.widths, len(au_set.aus)
        width = width or default_width(widths[-1])
        self.backbone = backbone
        self.static = LinearBlock(widths[-1], width)
        self.mfd = (
            FacialDynamics(widths=widths, strides=backbone.strides, width=width, temporal_radius=temporal_radius)
            if use_mfd
            else None
        )
        self.local = (LocalRelationships if use_hsr else FullFaceNodes)(au_set=au_set, width=width)
        self.cross_region = CrossRegionGraph(au_set=au_set, width=width) if use_hsr else None
        self.tcn = TemporalConvolution(num_aus=num_aus, width=width) if use_tcn else None
        self.similarity = Similarity(num_aus=num_aus, width=width)

    def forward(self, frames: Float[Tensor, "B T 3 H W"]) -> NetworkOutput:
        """Return scores and pattern logits of ImageNet-normalized clips.

        Raises:
            InputError: H or W is not divisible by 32, or T is below 2k.
        """
        return self.forward_features(self.backbone(frames.flatten(0, 1)), num_frames=frames.shape[1])

    def forward_features(self, maps: FeatureMaps, *, num_frames: int) -> NetworkOutput:
        """Return scores and pattern logits of the feature maps of B clips with ``num_frames`` (T) frames each."""
        features = self.static(maps.last.permute(0, 2, 3, 1))  # BT H W D
        if self.mfd is not None:
            features = features + self.mfd(maps.scales, num_frames)
        nodes, region_logits = self.local(features)  # BT N D
        if self.cross_region is not None:
            nodes = self.cross_region(nodes, region_logits)
        if self.tcn is not None:
            nodes = self.tcn(nodes, num_frames)
        scores, *region_logits = (x.unflatten(0, (-1, num_frames)) for x in (self.similarity(nodes), *region_logits))
        return NetworkOutput(scores, tuple(region_logits))
