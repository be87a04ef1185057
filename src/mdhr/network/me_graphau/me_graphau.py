"""ME-GraphAU, a graph of action units for every single frame (Luo et al., IJCAI 2022, arXiv 2205.01782, Figure 2).

The strongest earlier method in the paper's comparison. Stage 1 learns a node for every action unit. Stage 2 starts from
the weights of stage 1 and relates the nodes by edge features.
"""

import os
from pathlib import Path
from typing import Annotated

from einops import rearrange
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from mdhr.action_units import ActionUnitSet
from mdhr.config.ranges import Name, PositiveInt, Width
from mdhr.errors import InputError
from mdhr.network.backbone import Backbone, FeatureMaps
from mdhr.network.blocks import LinearBlock
from mdhr.network.checkpoints.timm_weights import describe_mismatch, read_weights
from mdhr.network.mdhr import NetworkOutput, default_width
from mdhr.network.me_graphau.edge_features import EdgeFeatures
from mdhr.network.me_graphau.facial_graph import FacialGraph
from mdhr.network.me_graphau.gated_graph import GatedGraphConvolution
from mdhr.network.similarity import Similarity

NUM_PAIR_PATTERNS = 4
"""Number of patterns of two action units, target and source, in the order neither, source only, target only, both."""
SHARED_PARTS = ("backbone.", "static.", "au_features.", "similarity.")
"""Key prefixes of the parts that stage 2 takes over from stage 1."""


class MEGraphAU(nn.Module):
    """ME-GraphAU baseline. Every frame of a clip is an independent sample.

    Args:
        backbone: feature extractor; only the last feature map is used.
        au_set: the action units to predict.
        width: D, even; None selects the value of the paper, see :func:`mdhr.network.mdhr.default_width`.
        stage: 1 for the facial graph (FGG), 2 for edge features and gated graph convolutions (MEFL).
        num_neighbors: K of stage 1, the node itself included.
        project_once: fewer multiply-adds in stage 2 with the same result, see
            :class:`mdhr.network.me_graphau.edge_features.EdgeFeatures`.
        weights: checkpoint of a stage 1 (or 2) training, from which the parts common to both stages are initialized.
        temporal_radius: ignored. Accepted so that experiments written for MDHR compose with ME-GraphAU.

    Raises:
        InputError: K exceeds the number of action units, or ``weights`` does not exist or does not fit.
    """

    def __init__(
        self,
        *,
        backbone: Backbone,
        au_set: ActionUnitSet,
        width: Width | None,
        stage: Annotated[int, Field(ge=1, le=2)],
        num_neighbors: PositiveInt,
        project_once: bool,
        weights: Name | None,
        temporal_radius: PositiveInt | None = None,
    ) -> None:
        super().__init__()
        self.au_set = au_set
        num_aus = len(au_set.aus)
        width = width or default_width(backbone.widths[-1])
        if not 1 <= num_neighbors <= num_aus:
            raise InputError(
                f"network.num_neighbors={num_neighbors} is out of range: expected 1 to {num_aus} "
                f"(the number of action units of {au_set.name})."
            )
        self.stage = stage
        self.backbone = backbone
        self.static = LinearBlock(backbone.widths[-1], width)
        self.au_features = LinearBlock(width, width, num_blocks=num_aus)
        if stage == 1:
            self.graph = FacialGraph(num_aus=num_aus, width=width, num_neighbors=num_neighbors)
        else:
            self.edge_features = EdgeFeatures(num_aus=num_aus, width=width, project_once=project_once)
            self.layers = nn.ModuleList(GatedGraphConvolution(num_nodes=num_aus, width=width) for _ in range(2))
            self.edge_head = nn.Linear(width, NUM_PAIR_PATTERNS)
            nn.init.xavier_uniform_(self.edge_head.weight)
        self.similarity = Similarity(num_aus=num_aus, width=width)
        if weights is not None:
            self.load_shared_parts(weights)

    def forward(self, frames: Float[Tensor, "B T 3 H W"]) -> NetworkOutput:
        """Return scores, and in stage 2 edge logits, of ImageNet-normalized clips.

        Raises:
            InputError: H or W is not divisible by 32.
        """
        return self.forward_features(self.backbone(frames.flatten(0, 1)), num_frames=frames.shape[1])

    def forward_features(self, maps: FeatureMaps, *, num_frames: int) -> NetworkOutput:
        """Return scores and edge logits of the feature maps of B clips with ``num_frames`` (T) frames each."""
        face = self.static(maps.last.permute(0, 2, 3, 1)).flatten(1, 2)  # BT P D
        au_features = rearrange(self.au_features(face), "bt p (n d) -> bt n p d", n=len(self.au_set.aus))
        nodes, edge_logits = au_features.mean(2), None  # BT N D
        if self.stage == 1:
            nodes = self.graph(nodes)
        else:
            edges = self.edge_features(au_features, face)  # BT N N D
            for layer in self.layers:
                nodes, edges = layer(nodes, edges)
            edge_logits = self.edge_head(edges).unflatten(0, (-1, num_frames))
        return NetworkOutput(self.similarity(nodes).unflatten(0, (-1, num_frames)), (), edge_logits)

    def load_shared_parts(self, path: str | Path) -> None:
        """Load the parts common to both stages from a checkpoint of ``mdhr train``.

        Raises:
            InputError: the file does not exist, cannot be read, or does not fit this network.
        """
        path = Path(os.path.normpath(Path(path).expanduser()))  # multiruns pass paths relative to their own run folder
        if not path.is_file():
            raise InputError(
                f"network.weights: file '{path}' does not exist. "
                "Train stage 1 first (network=me_graphau_stage1) and pass its checkpoint."
            )
        prefix = "network."
        trained = {key.removeprefix(prefix): x for key, x in read_weights(path).items() if key.startswith(prefix)}
        trained = {key: x for key, x in trained.items() if key.startswith(SHARED_PARTS)}
        problem = describe_mismatch(
            trained, {key: x for key, x in self.state_dict().items() if key.startswith(SHARED_PARTS)}
        )
        if problem:
            raise InputError(
                f"network.weights: '{path}' does not fit this ME-GraphAU: {problem}. "
                "Use a checkpoint with the same backbone, width and action unit set."
            )
        self.load_state_dict(trained, strict=False)
