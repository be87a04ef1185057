"""What training minimizes: ``L = L_AU + lambda * L_region``, lambda being ``region_weight`` in code.

ME-GraphAU has an auxiliary loss of its own instead, on edges, with weight ``edge_weight``.

Entries labeled ``MISSING`` take no part: every mean runs over the valid entries alone, and a batch without any
gives a loss of 0 with zero gradients. Source: paper section 3.5 and the released training code.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mdhr.action_units import MISSING
from mdhr.batch import ClipBatch

SMALLEST = 1e-8
"""Probabilities are not taken below this before their logarithm."""
EDGE_WEIGHTS = {"BP4D": 0.05, "DISFA": 0.01}
"""Weight of the edge loss by action unit set, as ME-GraphAU was trained (Luo et al., IJCAI 2022)."""


def class_weights(rates: Tensor) -> Tensor:
    """Weight of every action unit, ``w_n = N * (1 / r_n) / sum_m (1 / r_m)``: rare ones count more; the mean is 1.

    An action unit that never occurs would get an infinite weight and all others none; it gets that of the rarest
    one that does occur.

    Parameters
    ----------
    rates: ``(N,)`` share of the training frames that show the action unit.
    """
    occurring = rates[rates > 0]
    if not len(occurring):
        return torch.ones_like(rates)
    inverse = 1 / rates.clamp(min=occurring.min().item())
    return len(rates) * inverse / inverse.sum()


def weighted_asymmetric_loss(scores: Tensor, occurrence: Tensor, weights: Tensor) -> Tensor:
    """``-mean of w_n [y log p + (1 - y) sg(p) log(1 - p)]``, sg stopping the gradient.

    The factor ``p`` lets the many easy absent labels fade out.

    Parameters
    ----------
    scores: ``(..., N)`` p in [0, 1].
    occurrence: ``(..., N)`` y: 0, 1 or ``MISSING``.
    weights: ``(N,)`` from :func:`class_weights`.
    """
    scores = scores.float()  # 1e-8 is zero in half precision
    present = scores.clamp(min=SMALLEST).log()
    absent = scores.detach() * (1 - scores).clamp(min=SMALLEST).log()
    valid = occurrence != MISSING
    entries = weights * torch.where(occurrence == 1, present, absent)
    return -entries.where(valid, 0).sum() / valid.sum().clamp(min=1)


def pattern_cross_entropy(region_logits: Sequence[Tensor], patterns: Tensor) -> Tensor:
    """Cross-entropy on the pattern of every region group, mean over its valid frames, then over the R groups.

    Parameters
    ----------
    region_logits: R tensors ``(..., number of patterns of the group)``.
    patterns: ``(..., R)`` pattern numbers or ``MISSING``.
    """
    groups = []
    for logits, pattern in zip(region_logits, patterns.unbind(-1), strict=True):
        total = F.cross_entropy(logits.float().flatten(0, -2), pattern.flatten(), ignore_index=MISSING, reduction="sum")
        groups.append(total / (pattern != MISSING).sum().clamp(min=1))
    return torch.stack(groups).mean()


def pair_patterns(occurrence: Tensor) -> Tensor:
    """``(..., N)`` to ``(..., N, N)`` int64: ``2 * y_i + y_j``, ``MISSING`` where either is."""
    end, start = occurrence.long().unsqueeze(-1), occurrence.long().unsqueeze(-2)
    return (2 * end + start).masked_fill((end == MISSING) | (start == MISSING), MISSING)


class LossTerms(NamedTuple):
    """The loss and what it is made of, scalars."""

    total: Tensor
    au: Tensor
    region: Tensor
    edge: Tensor


class ClipLoss(nn.Module):
    """``L_AU + region_weight * L_region + edge_weight * L_edge`` of a batch of clips.

    Holds the class weights as a buffer, so that a checkpoint knows those it was trained with.
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
        """Compare with the clip's labels.

        Parameters
        ----------
        scores: ``B T N``.
        region_logits: R tensors ``B T num_patterns``; none of a network without regions.
        edge_logits: ``B T N N 4``; None of a network without edges.
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
