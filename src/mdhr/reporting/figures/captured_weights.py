"""What happens inside an MDHR on one clip: read off its blocks while it runs, its forward is left as it is.

Letters: T frames, S scales, H' W' the last map's grid, N action units.
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
    """Of every frame of a clip."""

    scores: np.ndarray
    """``T N`` in [0, 1]."""
    scale_weights: np.ndarray
    """``T S H' W'``: how much each scale of motion counts at each place, finest first; the sum over S is 1."""
    active: np.ndarray
    """``T N`` boolean: the action units in the predicted patterns of the regions, which open the edges of the graph."""
    attention: np.ndarray
    """``T N N``: how much the row's action unit listens to the column's; rows sum to 1."""


@torch.inference_mode()
def capture_weights(network: MDHR, frames: Tensor) -> CapturedWeights:
    """Run a clip ``T 3 H W``, ImageNet-normalized, in evaluation mode.

    Raises ``InputError`` for an ablated variant, which lacks what is to be seen.
    """
    if getattr(network, "dynamic", None) is None or getattr(network, "cross_region", None) is None:
        raise InputError("only the whole network has weights of scales and a graph: choose a run with network=mdhr")
    assert network.dynamic is not None
    assert network.cross_region is not None
    seen: dict[str, Any] = {}
    hooks = [
        network.dynamic.scale_logits.register_forward_hook(lambda _, __, logits: seen.update(logits=logits)),
        network.cross_region.register_forward_pre_hook(lambda _, given: seen.update(given=given)),
    ]
    was_training = network.training
    try:
        scores = network.eval()(frames[None]).scores[0]
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    nodes, region_logits = seen["given"]
    active = predicted_active(region_logits, network.au_set)
    return CapturedWeights(
        scores=scores.cpu().numpy(),
        scale_weights=seen["logits"][0].softmax(-1).movedim(-1, 1).cpu().numpy(),
        active=active.cpu().numpy(),
        attention=_attention(network, nodes, active).cpu().numpy(),
    )


def _attention(network: MDHR, nodes: Tensor, active: Tensor) -> Tensor:
    """The graph attention's weights for nodes ``T N D``, ``T N N``."""
    graph = network.cross_region
    assert graph is not None
    z = graph.attention.linear(nodes)
    source, target = ((z * vector).sum(-1) for vector in (graph.attention.source, graph.attention.target))
    return attention_weights(source, target, gated_adjacency(graph.cross_region, active))
