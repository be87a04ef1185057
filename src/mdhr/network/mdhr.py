"""MDHR: the assembly of the blocks, as in the paper's Figure 2."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from mdhr.action_units import ActionUnitSet
from mdhr.network.backbone import Backbone, FeatureMaps
from mdhr.network.blocks import LinearBlock
from mdhr.network.cross_region import CrossRegionGraph
from mdhr.network.local_relationships import LocalRelationships, WholeFace
from mdhr.network.mfd import FacialDynamics
from mdhr.network.similarity import Similarity
from mdhr.network.tcn import TemporalConvolution


class NetworkOutput(NamedTuple):
    """What a network says about a clip."""

    scores: Tensor
    """``B T N`` in [0, 1]."""
    region_logits: tuple[Tensor, ...]
    """R tensors ``B T num_patterns``; empty for a network without regions."""
    edge_logits: Tensor | None = None
    """``B T N N 4`` of a network that says which of two action units are active; ``[..., i, j, :]`` speaks of
    pattern ``2 * y_i + y_j``."""


def default_width(backbone_width: int) -> int:
    """Node width D for a backbone of last width C4: C4/4 for wide ones (ResNet-50), C4/2 for the rest (Swin)."""
    return backbone_width // 4 if backbone_width >= 2048 else backbone_width // 2


class MDHR(nn.Module):
    """Scores of facial action units for every frame of a clip.

    Parameters
    ----------
    backbone: gives four maps of every frame.
    au_set: the action units to predict and their region groups.
    width: D, the width of frame features and nodes; ``None`` for the paper's choice, see :func:`default_width`.
    temporal_radius: k, temporal differences taken on either side of a frame (section 3.1); 1 to T/2.
    use_mfd: add the dynamic feature to the static one (MFD).
    use_hsr: split the face into regions, predict their patterns and attend across regions (HSR); otherwise every
        action unit reads the whole face.
    use_tcn: let every action unit's node see its neighbors in time (TCN, a part of HSR in the paper).
    """

    def __init__(
        self,
        *,
        backbone: Backbone,
        au_set: ActionUnitSet,
        width: int | None,
        temporal_radius: int,
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
        self.dynamic = (
            FacialDynamics(widths=widths, strides=backbone.strides, width=width, temporal_radius=temporal_radius)
            if use_mfd
            else None
        )
        self.local = (LocalRelationships if use_hsr else WholeFace)(au_set=au_set, width=width)
        self.cross_region = CrossRegionGraph(au_set=au_set, width=width) if use_hsr else None
        self.temporal = TemporalConvolution(num_aus=num_aus, width=width) if use_tcn else None
        self.similarity = Similarity(num_aus=num_aus, width=width)

    def forward(self, frames: Float[Tensor, "b t c h w"]) -> NetworkOutput:
        """Clips ``B T 3 H W``, ImageNet-normalized, to scores and pattern logits.

        Raises
        ------
        InputError: H or W is not divisible by 32, or T is below 2k.
        """
        return self.forward_features(self.backbone(frames.flatten(0, 1)), frames.shape[1])

    def forward_features(self, maps: FeatureMaps, num_frames: int) -> NetworkOutput:
        """Return scores and pattern logits of the feature maps of B clips with ``num_frames`` frames each."""
        features = self.static(maps.last.permute(0, 2, 3, 1))  # (B T) H' W' D
        if self.dynamic is not None:
            features = features + self.dynamic(maps.scales, num_frames)
        nodes, region_logits = self.local(features)  # (B T) N D
        if self.cross_region is not None:
            nodes = self.cross_region(nodes, region_logits)
        if self.temporal is not None:
            nodes = self.temporal(nodes, num_frames)
        scores, *region_logits = (x.unflatten(0, (-1, num_frames)) for x in (self.similarity(nodes), *region_logits))
        return NetworkOutput(scores, tuple(region_logits))
