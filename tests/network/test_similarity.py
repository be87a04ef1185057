import math

import torch

from mdhr.network.similarity import Similarity, similarity_scores


def test_score_is_the_cosine_of_the_positive_parts() -> None:
    nodes, prototypes = torch.randn(5, 3, 6, generator=torch.manual_seed(0)), torch.randn(3, 6)
    scores = similarity_scores(nodes, prototypes)
    for b in range(5):
        for n in range(3):
            v, s = (x.clamp(min=0).double() for x in (nodes[b, n], prototypes[n]))
            expected = (v @ s / math.sqrt((v @ v).item() * (s @ s).item())).item()
            assert math.isclose(scores[b, n].item(), expected, abs_tol=1e-6)


def test_scores_never_leave_the_unit_interval() -> None:
    prototypes = torch.rand(4, 512, generator=torch.manual_seed(0))
    scores = similarity_scores((prototypes * torch.linspace(0.1, 9, 200)[:, None, None]), prototypes)
    assert scores.min() > 0.999
    assert scores.max() <= 1
    assert similarity_scores(torch.full((1, 4, 512), -1.0), prototypes).eq(0).all()


def test_anchors_begin_xavier_uniform() -> None:
    torch.manual_seed(0)
    assert math.isclose(
        Similarity(num_aus=12, width=512).prototypes.abs().max().item(), math.sqrt(6 / 524), rel_tol=0.01
    )
