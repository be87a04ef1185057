"""The plain reference is the same method: same scores, same F1, same clips as the fast code."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mdhr.action_units import BP4D, DISFA, ActionUnitSet
from mdhr.data.transforms import Augmentation, crop, jitter_and_normalize
from mdhr.network.backbone import Backbone
from mdhr.network.checkpoints.released_mdhr import load_released_mdhr_state
from mdhr.network.mdhr import MDHR
from mdhr.training.metrics import action_unit_metrics
from tests.support.plain.loader import plain_clip
from tests.support.plain.metrics import plain_f1
from tests.support.plain.network import PlainMDHR, released_state


def both(
    backbone: str, au_set: ActionUnitSet, *, feature_source: str, size: int, num_frames: int
) -> tuple[PlainMDHR, MDHR]:
    """The plain network with random weights and the statistics of one clip, and ours with the same ones."""
    torch.manual_seed(0)
    plain = PlainMDHR(backbone, au_set=au_set, width=32, temporal_radius=num_frames // 2)
    plain(torch.randn(1, num_frames, 3, size, size))
    ours = MDHR(
        backbone=Backbone(
            name=backbone, pretrained=False, weights=None, feature_source=feature_source, drop_path_rate=0.0, input_size=size
        ),
        au_set=au_set, width=32, temporal_radius=num_frames // 2, use_mfd=True, use_hsr=True, use_tcn=True,
    )  # fmt: skip
    load_released_mdhr_state(ours, released_state(plain))
    return plain.eval(), ours.eval()


@pytest.mark.parametrize("au_set", [BP4D, DISFA], ids=lambda s: s.name)
@pytest.mark.parametrize(
    ("backbone", "feature_source", "size", "num_frames"),
    [("resnet18", "stage_output", 64, 6), ("swin_tiny_patch4_window7_224", "stage_input", 224, 2)],
)
def test_scores_and_patterns_are_those_of_the_plain_network(
    au_set: ActionUnitSet, backbone: str, feature_source: str, size: int, num_frames: int
) -> None:
    plain, ours = both(backbone, au_set, feature_source=feature_source, size=size, num_frames=num_frames)
    clips = torch.randn(2, num_frames, 3, size, size)
    with torch.inference_mode():
        scores, logits = plain(clips)
        found = ours(clips)
    torch.testing.assert_close(found.scores, scores, rtol=0, atol=1e-5)
    for theirs, mine in zip(logits, found.region_logits, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


def test_f1_is_the_one_that_is_counted_in_a_loop() -> None:
    rng = np.random.default_rng(0)
    scores, labels = rng.random((300, 12)), rng.choice([-1, 0, 1], (300, 12))
    ours = action_unit_metrics(torch.from_numpy(scores), torch.from_numpy(labels), threshold=0.5)
    np.testing.assert_allclose(plain_f1(scores.tolist(), labels.tolist(), threshold=0.5), ours.f1, atol=1e-12)


def test_a_clip_is_the_one_that_pillow_makes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    picture = np.asarray(Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8)).resize((64, 64)))
    Image.fromarray(picture).save(tmp_path / "frame.png")
    draw = Augmentation(top=3, left=5, flip=True, brightness=0.8, contrast=1.2, saturation=0.7)
    theirs = plain_clip([str(tmp_path / "frame.png")], draw, 48)
    frame = np.empty((48, 48, 3), np.uint8)
    crop(picture, draw, out=frame)
    ours = jitter_and_normalize(torch.from_numpy(frame).movedim(-1, 0)[None, None], torch.tensor([draw.color]))[0]
    assert (ours - theirs).abs().max() < 0.053, "rounding to whole gray levels, at most three of 255"
