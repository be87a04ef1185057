"""ME-GraphAU, a graph of action units for every single frame (Luo et al., IJCAI 2022, arXiv 2205.01782, Figure 2).

The strongest earlier system that the paper compares with. Stage 1 learns a node for every action unit; stage 2 begins
with what stage 1 has learnt and relates the nodes by features of their edges instead.
"""

import os
from pathlib import Path
from typing import Literal

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from mdhr.action_units import ActionUnitSet
from mdhr.errors import InputError
from mdhr.network.backbone import Backbone, FeatureMaps
from mdhr.network.blocks import LinearBlock
from mdhr.network.checkpoints.timm_weights import describe_mismatch, read_weights
from mdhr.network.mdhr import NetworkOutput, default_width
from mdhr.network.me_graphau.edge_features import EdgeFeatures
from mdhr.network.me_graphau.facial_graph import FacialGraph
from mdhr.network.me_graphau.gated_graph import GatedGraphConvolution
from mdhr.network.similarity import Similarity

PAIR_PATTERNS = 4
"""Both off, the start on, the end on, both on."""
OF_BOTH_STAGES = ("backbone.", "static.", "au_maps.", "similarity.")
"""The parts that stage 2 takes over from stage 1."""


class MEGraphAU(nn.Module):
    """Scores of facial action units, frame by frame: a clip is a batch of frames.

    Parameters
    ----------
    backbone: its last map is all that is used.
    au_set: the action units to predict.
    width: D, even; ``None`` for the paper's choice, see :func:`mdhr.network.mdhr.default_width`.
    stage: 1, nodes that hear their nearest ones (FGG); 2, nodes and features of edges (MEFL).
    num_nearest: K of stage 1, itself counted.
    project_once: fewer multiply-adds in stage 2 for the same outcome, see
        :class:`mdhr.network.me_graphau.edge_features.CrossAttention`.
    weights: a checkpoint of ``mdhr train`` whose network is of stage 1 (or 2); the parts that the stages have in common
        begin with it.
    temporal_radius: not used. Experiments that set it for networks that see time run with this one as well.

    Raises
    ------
    InputError: weights that cannot be had or do not fit, more nearest nodes than there are.
    """

    def __init__(
        self,
        *,
        backbone: Backbone,
        au_set: ActionUnitSet,
        width: int | None,
        stage: Literal[1, 2],
        num_nearest: int,
        project_once: bool,
        weights: str | None,
        temporal_radius: int | None = None,
    ) -> None:
        super().__init__()
        self.au_set = au_set
        num_aus = len(au_set.aus)
        width = width or default_width(backbone.widths[-1])
        if not 1 <= num_nearest <= num_aus:
            raise InputError(f"num_nearest is {num_nearest}: choose 1 to {num_aus}, the number of action units")
        self.stage = stage
        self.backbone = backbone
        self.static = LinearBlock(backbone.widths[-1], width)
        self.au_maps = LinearBlock(width, width, num_blocks=num_aus)
        if stage == 1:
            self.graph = FacialGraph(num_aus=num_aus, width=width, num_nearest=num_nearest)
        else:
            self.edge_features = EdgeFeatures(num_aus=num_aus, width=width, project_once=project_once)
            self.layers = nn.ModuleList(GatedGraphConvolution(num_nodes=num_aus, width=width) for _ in range(2))
            self.edge_head = nn.Linear(width, PAIR_PATTERNS)
            nn.init.xavier_uniform_(self.edge_head.weight)
        self.similarity = Similarity(num_aus=num_aus, width=width)
        if weights is not None:
            self.begin_with(weights)

    def forward(self, frames: Float[Tensor, "b t c h w"]) -> NetworkOutput:
        """Clips ``B T 3 H W``, ImageNet-normalized, to scores, and in stage 2 to what every edge says.

        Raises
        ------
        InputError: H or W is not divisible by 32.
        """
        return self.forward_features(self.backbone(frames.flatten(0, 1)), frames.shape[1])

    def forward_features(self, maps: FeatureMaps, num_frames: int) -> NetworkOutput:
        """Return scores and edge logits of the feature maps of B clips with ``num_frames`` frames each."""
        face = self.static(maps.last.permute(0, 2, 3, 1)).flatten(1, 2)  # (B T) P D
        au_maps = rearrange(self.au_maps(face), "n p (a d) -> n a p d", a=len(self.au_set.aus))  # (B T) N P D
        nodes, edge_logits = au_maps.mean(2), None  # (B T) N D
        if self.stage == 1:
            nodes = self.graph(nodes)
        else:
            edges = self.edge_features(au_maps, face)  # (B T) N N D
            for layer in self.layers:
                nodes, edges = layer(nodes, edges)
            edge_logits = self.edge_head(edges).unflatten(0, (-1, num_frames))
        return NetworkOutput(self.similarity(nodes).unflatten(0, (-1, num_frames)), (), edge_logits)

    def begin_with(self, path: str | Path) -> None:
        """Take what both stages have from a checkpoint of ``mdhr train``; ``InputError`` if that does not fit."""
        path = Path(os.path.normpath(Path(path).expanduser()))  # a sweep says it from its own run's folder
        if not path.is_file():
            raise InputError(f"no weights at {path}: train stage 1 first, network=me_graphau_stage1")
        prefix = "network."
        trained = {key.removeprefix(prefix): x for key, x in read_weights(path).items() if key.startswith(prefix)}
        trained = {key: x for key, x in trained.items() if key.startswith(OF_BOTH_STAGES)}
        problem = describe_mismatch(
            trained, {key: x for key, x in self.state_dict().items() if key.startswith(OF_BOTH_STAGES)}
        )
        if problem:
            raise InputError(
                f"network.weights={path} is no ME-GraphAU of this backbone, width and action unit set: {problem}"
            )
        self.load_state_dict(trained, strict=False)
