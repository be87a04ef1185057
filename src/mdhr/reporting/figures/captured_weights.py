"""Scale weights, predicted patterns and graph attention of MDHR on one clip, captured with forward hooks.

Letters: T frames, N action units, D channels, S scales, H' W' grid of the last feature map.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mdhr.errors import InputError
from mdhr.network.cross_region import gated_adjacency, predicted_active
from mdhr.network.gat import attention_weights
from mdhr.network.mdhr import MDHR


@dataclass(frozen=True)
class CapturedWeights:
    """Scores and internal weights for every frame of a clip."""

    scores: np.ndarray
    """``(T, N)`` in [0, 1]."""
    scale_weights: np.ndarray
    """``(T, S, H', W')``: weight of each scale at each position, finest scale first; the sum over S is 1."""
    active: np.ndarray
    """``(T, N)`` boolean: action units in the predicted patterns of their regions. They gate the edges of the graph."""
    attention: np.ndarray
    """``(T, N, N)``: attention of the target node (row) to the message node (column); rows sum to 1."""


@torch.inference_mode()
def capture_weights(network: MDHR, frames: Tensor) -> CapturedWeights:
    """Run the network in evaluation mode on one clip and return its internal weights.

    Args:
        frames: ``(T, 3, H, W)``, ImageNet-normalized.

    Raises ``InputError`` for an ablated variant without MFD or HSR.
    """
    if getattr(network, "mfd", None) is None or getattr(network, "cross_region", None) is None:
        raise InputError("the network has no scale weights or no graph. Choose a run with network=mdhr.")
    assert network.mfd is not None
    assert network.cross_region is not None
    captured: dict[str, Any] = {}
    hooks = [
        network.mfd.scale_logits.register_forward_hook(lambda _, __, logits: captured.update(logits=logits)),
        network.cross_region.register_forward_pre_hook(lambda _, inputs: captured.update(inputs=inputs)),
    ]
    was_training = network.training
    try:
        scores = network.eval()(frames[None]).scores[0]
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    nodes, region_logits = captured["inputs"]
    active = predicted_active(region_logits, network.au_set)
    return CapturedWeights(
        scores=scores.cpu().numpy(),
        scale_weights=captured["logits"][0].softmax(-1).movedim(-1, 1).cpu().numpy(),
        active=active.cpu().numpy(),
        attention=_graph_attention(network, nodes, active).cpu().numpy(),
    )


def _graph_attention(network: MDHR, nodes: Tensor, active: Tensor) -> Tensor:
    """Return the attention weights ``(T, N, N)`` of the cross-region graph for nodes ``(T, N, D)``."""
    graph = network.cross_region
    assert graph is not None
    z = graph.attention.linear(nodes)
    source, target = ((z * vector).sum(-1) for vector in (graph.attention.a_src, graph.attention.a_dst))
    return attention_weights(source, target, gated_adjacency(graph.cross_region, active))
