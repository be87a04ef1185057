"""Losses compared with loops over their definition."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from mdhr.action_units import BP4D, DISFA
from mdhr.batch import ClipBatch
from mdhr.training.losses import (
    ClipLoss,
    class_weights,
    constant_labels,
    pair_patterns,
    pattern_cross_entropy,
    weighted_asymmetric_loss,
)


def clip_of(au: torch.Tensor, au_set=DISFA) -> ClipBatch:
    batch, length = au.shape[:2]
    return ClipBatch(
        frames=torch.zeros(batch, length, 3, 32, 32),
        au=au,
        region=au_set.region_pattern(au),
        video=torch.arange(batch),
        frame=torch.arange(length).repeat(batch, 1),
    )


def random_labels(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randint(-1, 2, shape, generator=generator).to(torch.int8)


def looped_asymmetric_loss(scores, labels, weights) -> float:
    entries = []
    for *place, n in itertools.product(*map(range, scores.shape)):
        p, y = scores[*place, n].item(), labels[*place, n].item()
        if y == -1:
            continue
        log = math.log(max(p, 1e-8)) if y == 1 else p * math.log(max(1 - p, 1e-8))
        entries.append(-weights[n].item() * log)
    return sum(entries) / len(entries)


def test_asymmetric_loss_is_its_definition():
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(2, 3, 8, generator=generator)
    scores[0, 0, :2] = torch.tensor([0.0, 1.0])
    labels = random_labels(generator, 2, 3, 8)
    labels[0, 0, :2] = torch.tensor([1, 0])
    weights = torch.rand(8, generator=generator) + 0.5
    assert weighted_asymmetric_loss(scores, labels, weights).item() == pytest.approx(
        looped_asymmetric_loss(scores, labels, weights), rel=1e-5
    )


def test_no_gradient_flows_through_the_focusing_factor():
    scores = torch.tensor([[0.25]], requires_grad=True)
    weighted_asymmetric_loss(scores, torch.tensor([[0]]), torch.ones(1)).backward()
    assert scores.grad.item() == pytest.approx(0.25 / 0.75)  # p / (1 - p), not that plus -log(1 - p)


def test_half_precision_scores_of_zero_stay_finite():
    loss = weighted_asymmetric_loss(torch.zeros(1, 1, dtype=torch.float16), torch.ones(1, 1), torch.ones(1))
    assert loss.item() == pytest.approx(-math.log(1e-8))


def test_pattern_cross_entropy_is_its_definition():
    generator = torch.Generator().manual_seed(1)
    labels = random_labels(generator, 2, 6, 12)
    labels[0] = labels[0].clamp(min=0)
    patterns = BP4D.region_pattern(labels)
    logits = [torch.randn(2, 6, group.num_patterns, generator=generator) for group in BP4D.groups]
    groups = []
    for r, group_logits in enumerate(logits):
        terms = [
            -(row - row.exp().sum().log())[pattern].item()
            for row, pattern in zip(
                group_logits.flatten(0, 1).double(), patterns[..., r].flatten().tolist(), strict=True
            )
            if pattern != -1
        ]
        groups.append(sum(terms) / len(terms))
    assert pattern_cross_entropy(logits, patterns).item() == pytest.approx(sum(groups) / 4, rel=1e-5)


def test_masked_entries_change_nothing():
    generator = torch.Generator().manual_seed(2)
    loss = ClipLoss(num_aus=8, region_weight=0.01)
    scores = torch.rand(2, 4, 8, generator=generator)
    logits = [torch.randn(2, 4, group.num_patterns, generator=generator) for group in DISFA.groups]
    labels = random_labels(generator, 2, 4, 8).clamp(min=0)
    labels[1, 2:] = -1
    padded = loss(scores, logits, clip_of(labels))
    scores[1, 2:] = 0.5
    for group_logits in logits:
        group_logits[1, 2:] = 7.0
    assert loss(scores, logits, clip_of(labels)) == padded


def test_batch_without_labels_gives_zero_and_zero_gradients():
    loss = ClipLoss(num_aus=8, region_weight=0.01)
    scores = torch.rand(1, 2, 8, requires_grad=True)
    logits = [torch.randn(1, 2, group.num_patterns, requires_grad=True) for group in DISFA.groups]
    total = loss(scores, logits, clip_of(torch.full((1, 2, 8), -1, dtype=torch.int8))).total
    total.backward()
    assert total.item() == 0
    assert all((tensor.grad == 0).all() for tensor in [scores, *logits])


def test_total_adds_the_weighted_region_term():
    generator = torch.Generator().manual_seed(3)
    clip = clip_of(random_labels(generator, 1, 5, 8))
    scores = torch.rand(1, 5, 8, generator=generator)
    logits = [torch.randn(1, 5, group.num_patterns, generator=generator) for group in DISFA.groups]
    terms = ClipLoss(num_aus=8, region_weight=0.25)(scores, logits, clip)
    assert terms.total.item() == pytest.approx(terms.au.item() + 0.25 * terms.region.item())
    without_regions = ClipLoss(num_aus=8, region_weight=0.25)(scores, (), clip)
    assert without_regions.total == without_regions.au == terms.au


def test_edge_loss_is_its_definition():
    generator = torch.Generator().manual_seed(4)
    labels = random_labels(generator, 2, 3, 8)
    logits = torch.randn(2, 3, 8, 8, 4, generator=generator)
    terms = []
    for b, t, i, j in itertools.product(*map(range, logits.shape[:-1])):
        end, start = labels[b, t, i].item(), labels[b, t, j].item()
        if -1 not in (end, start):
            kind = {(0, 0): 0, (0, 1): 1, (1, 0): 2, (1, 1): 3}[end, start]
            terms.append(-logits[b, t, i, j].double().log_softmax(-1)[kind].item())
    loss = ClipLoss(num_aus=8, region_weight=7.0, edge_weight=0.25)
    scores = torch.rand(2, 3, 8, generator=generator)
    found = loss(scores, (), clip_of(labels), logits)
    assert found.edge.item() == pytest.approx(sum(terms) / len(terms), rel=1e-5)
    assert found.total.item() == pytest.approx(found.au.item() + 0.25 * found.edge.item())
    assert loss(scores, (), clip_of(labels)).total == found.au


def test_edges_of_missing_labels_take_no_part():
    labels = torch.tensor([[[1, -1, 0]]])
    assert pair_patterns(labels).tolist() == [[[[3, -1, 2], [-1, -1, -1], [1, -1, 0]]]]
    logits = torch.randn(1, 2, 8, 8, 4, requires_grad=True)
    clip = clip_of(torch.full((1, 2, 8), -1, dtype=torch.int8))
    ClipLoss(num_aus=8, region_weight=0.01, edge_weight=0.05)(torch.rand(1, 2, 8), (), clip, logits).total.backward()
    assert (logits.grad == 0).all()


def test_constant_labels_have_finite_weights_and_are_named():
    rates = torch.tensor([0.0, 1.0, 0.5])
    assert class_weights(rates).tolist() == pytest.approx([1.2, 0.6, 1.2])
    assert constant_labels(rates, ["AU1", "AU2", "AU4"]) == "AU1 never occurs; AU2 always occurs"
    assert constant_labels(rates[2:], ["AU4"]) == ""


def test_class_weights_are_their_definition_with_mean_one():
    rates = torch.tensor([0.1, 0.2, 0.4], dtype=torch.float64)
    weights = class_weights(rates)
    assert weights.tolist() == pytest.approx([3 * 10 / 17.5, 3 * 5 / 17.5, 3 * 2.5 / 17.5])
    assert weights.mean().item() == pytest.approx(1)


def test_action_unit_that_never_occurs_weighs_like_the_rarest():
    assert class_weights(torch.tensor([0.0, 0.1, 0.2])).tolist() == pytest.approx([1.2, 1.2, 0.6])
    assert class_weights(torch.zeros(3)).tolist() == [1, 1, 1]


@pytest.mark.parametrize("name", ["BP4D", "DISFA"])
@pytest.mark.parametrize("fold", [1, 2, 3])
def test_class_weights_of_the_released_lists(shared: Path, name: str, fold: int):
    folder = shared / "lists" / name
    labels = np.fromstring((folder / f"{name}_train_label_fold{fold}.txt").read_text(), sep=" ")
    rates = torch.from_numpy(labels.reshape(-1, 12 if name == "BP4D" else 8).mean(0))
    expected = [float(w) for w in (folder / f"{name}_train_weight_fold{fold}.txt").read_text().split()]
    assert class_weights(rates).tolist() == pytest.approx(expected, abs=1e-6)


def test_class_weights_of_the_golden_training_step_average_to_one(shared: Path):
    step = json.loads((shared / "parity" / "bp4d_resnet50_train_step.json").read_text())
    assert sum(step["class_weights"]) / 12 == pytest.approx(1, abs=1e-5)
    assert step["loss"] == pytest.approx(step["au_loss"] + 0.01 * step["region_loss"], abs=1e-6)
