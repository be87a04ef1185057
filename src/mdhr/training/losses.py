"""Losses (paper section 3.5): ``L = L_AU + lambda * L_region``, with lambda the setting ``region_weight``.

ME-GraphAU has a loss on edges instead of regions, with the weight ``edge_weight``.

Labels that are ``MISSING`` are excluded: every mean is over valid entries only, and a batch without any gives a loss of
0 with zero gradients.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mdhr.action_units import MISSING
from mdhr.batch import ClipBatch

MIN_PROBABILITY = 1e-8
"""Lower bound of probabilities before the logarithm."""
EDGE_WEIGHTS = {"BP4D": 0.05, "DISFA": 0.01}
"""Weight of the edge loss per action unit set (Luo et al., IJCAI 2022)."""


def class_weights(rates: Tensor) -> Tensor:
    """Return the weights ``w_n = N * (1 / r_n) / sum_m (1 / r_m)`` of all action units; their mean is 1.

    An action unit with rate 0 gets the weight of the rarest action unit that occurs.

    Args:
        rates: ``N`` occurrence rates r in the training frames.
    """
    occurring = rates[rates > 0]
    if not len(occurring):
        return torch.ones_like(rates)
    inverse = 1 / rates.clamp(min=occurring.min().item())
    return len(rates) * inverse / inverse.sum()


def constant_labels(rates: Tensor, columns: Sequence[str]) -> str:
    """Return which action units never or always occur, such as ``AU1 never occurs; AU4 always occurs``, or no text.

    Args:
        rates: ``N`` occurrence rates.
        columns: names of the action units.
    """
    named = zip(columns, rates.tolist(), strict=True)
    return "; ".join(f"{column} {'always' if rate else 'never'} occurs" for column, rate in named if rate in (0, 1))


def weighted_asymmetric_loss(scores: Tensor, occurrence: Tensor, weights: Tensor) -> Tensor:
    """Return L_AU, ``-mean of w_n [y log p + (1 - y) sg(p) log(1 - p)]`` with sg the stop-gradient.

    The factor sg(p) reduces the weight of easy negatives.

    Args:
        scores: ``... N``, p in [0, 1].
        occurrence: ``... N``, y: 0, 1 or ``MISSING``.
        weights: ``N``, w from :func:`class_weights`.
    """
    scores = scores.float()  # 1e-8 underflows to 0 in half precision
    positive = scores.clamp(min=MIN_PROBABILITY).log()
    negative = scores.detach() * (1 - scores).clamp(min=MIN_PROBABILITY).log()
    valid = occurrence != MISSING
    entries = weights * torch.where(occurrence == 1, positive, negative)
    return -entries.where(valid, 0).sum() / valid.sum().clamp(min=1)


def pattern_cross_entropy(region_logits: Sequence[Tensor], patterns: Tensor) -> Tensor:
    """Return L_region, the cross-entropy on patterns: mean over valid frames, then over the R region groups.

    Args:
        region_logits: R tensors ``... num_patterns``.
        patterns: ``... R``, pattern of every region group or ``MISSING``.
    """
    groups = []
    for logits, pattern in zip(region_logits, patterns.unbind(-1), strict=True):
        total = F.cross_entropy(logits.float().flatten(0, -2), pattern.flatten(), ignore_index=MISSING, reduction="sum")
        groups.append(total / (pattern != MISSING).sum().clamp(min=1))
    return torch.stack(groups).mean()


def pair_patterns(occurrence: Tensor) -> Tensor:
    """Return ``... N N`` int64 from ``... N``: ``2 * y_i + y_j``, or ``MISSING`` if either label is."""
    dst, src = occurrence.long().unsqueeze(-1), occurrence.long().unsqueeze(-2)
    return (2 * dst + src).masked_fill((dst == MISSING) | (src == MISSING), MISSING)


class LossTerms(NamedTuple):
    """Total loss and its terms, scalars."""

    total: Tensor
    au: Tensor
    region: Tensor
    edge: Tensor


class ClipLoss(nn.Module):
    """``L_AU + region_weight * L_region + edge_weight * L_edge`` of a batch of clips.

    The class weights are a buffer, so checkpoints contain those used in training.
    """

    class_weights: Tensor

    def __init__(self, *, num_aus: int, region_weight: float, edge_weight: float = 0.0) -> None:
        super().__init__()
        self.region_weight = region_weight
        self.edge_weight = edge_weight
        self.register_buffer("class_weights", torch.ones(num_aus))

    def forward(
        self, scores: Tensor, region_logits: Sequence[Tensor], clip: ClipBatch, edge_logits: Tensor | None = None
    ) -> LossTerms:
        """Return the loss of the predictions for the labels of ``clip``.

        Args:
            scores: ``B T N``.
            region_logits: R tensors ``B T num_patterns``; empty for a network without regions.
            clip: the batch with the labels ``au`` and ``region``.
            edge_logits: ``B T N N 4``; None for a network without edges.
        """
        au = weighted_asymmetric_loss(scores, clip.au, self.class_weights)
        region = edge = au.new_zeros(())
        if region_logits:
            region = pattern_cross_entropy(region_logits, clip.region)
        if edge_logits is not None:
            edge = pattern_cross_entropy([edge_logits], pair_patterns(clip.au).unsqueeze(-1))
        return LossTerms(
            total=au + self.region_weight * region + self.edge_weight * edge, au=au, region=region, edge=edge
        )
