"""Weights in bfloat16: the outputs of autocasting. Processors without bfloat16 arithmetic emulate it."""

from collections.abc import Callable

import torch

from mdhr.network.mdhr import MDHR
from mdhr.network.optimization.batch_norm_folding import fold_batch_norm
from mdhr.network.optimization.bfloat16_weights import cast_weights


@torch.no_grad()
def test_casting_the_weights_once_equals_autocasting(small_mdhr: Callable[..., MDHR]) -> None:
    network = fold_batch_norm(small_mdhr())
    frames = torch.randn(1, 6, 3, 64, 64)
    scores = network(frames).scores
    with torch.autocast("cpu", torch.bfloat16):
        autocast = network(frames).scores
        cast = cast_weights(network)(frames).scores
    assert torch.equal(cast, autocast)
    assert scores.dtype == cast.dtype == torch.float32
    assert 0 < (cast - scores).abs().max() < 0.05
