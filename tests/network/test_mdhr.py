from collections.abc import Callable

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from mdhr.action_units import BP4D, DISFA, ActionUnitSet
from mdhr.errors import InputError
from mdhr.network.mdhr import MDHR, default_width
from tests.support.paths import CONF


@pytest.mark.parametrize("au_set", [BP4D, DISFA], ids=lambda s: s.name)
@pytest.mark.parametrize("size", [64, 96])
def test_output_of_a_batch_of_clips(au_set: ActionUnitSet, size: int, small_mdhr: Callable[..., MDHR]) -> None:
    network = small_mdhr(au_set=au_set, size=size)
    scores, logits, _ = network(torch.randn(2, 6, 3, size, size))
    assert scores.shape == (2, 6, len(au_set.aus))
    assert 0 <= scores.min() <= scores.max() <= 1
    assert [tuple(x.shape) for x in logits] == [(2, 6, group.num_patterns) for group in au_set.groups]
    (scores.mean() + sum(x.logsumexp(-1).mean() for x in logits)).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("size", [(64, 96), (96, 32)])
def test_frames_need_not_be_square(size: tuple[int, int], small_mdhr: Callable[..., MDHR]) -> None:
    assert small_mdhr()(torch.randn(1, 6, 3, *size)).scores.shape == (1, 6, 12)


@pytest.mark.parametrize(
    ("switches", "absent"),
    [
        ({"use_mfd": False, "use_hsr": False, "use_tcn": False}, {"mfd", "cross_region", "tcn"}),
        ({"use_hsr": False, "use_tcn": False}, {"cross_region", "tcn"}),
        ({"use_mfd": False}, {"mfd"}),
        ({"use_tcn": False}, {"tcn"}),
    ],
)
def test_switches_remove_parts(switches: dict, absent: set, small_mdhr: Callable[..., MDHR]) -> None:
    network = small_mdhr(**switches)
    parts = {name for name, _ in network.named_children()}
    assert parts == {"backbone", "static", "mfd", "local", "cross_region", "tcn", "similarity"} - absent
    scores, logits, _ = network(torch.randn(1, 6, 3, 64, 64))
    assert scores.shape == (1, 6, 12)
    assert len(logits) == (4 if switches.get("use_hsr", True) else 0)


def test_frames_are_independent_without_temporal_parts(small_mdhr: Callable[..., MDHR]) -> None:
    network = small_mdhr(use_mfd=False, use_tcn=False).eval()
    frames = torch.randn(1, 6, 3, 64, 64)
    with torch.inference_mode():
        together = network(frames).scores[0]
        alone = torch.cat([network(frames[:, t : t + 1]).scores[0] for t in range(6)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_clips_of_a_batch_are_independent(small_mdhr: Callable[..., MDHR]) -> None:
    network = small_mdhr().eval()
    frames = torch.randn(3, 6, 3, 64, 64)
    with torch.inference_mode():
        together = network(frames).scores
        alone = torch.cat([network(clip[None]).scores for clip in frames])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_invalid_clips_raise(small_mdhr: Callable[..., MDHR]) -> None:
    with pytest.raises(InputError, match="not divisible by 32"):
        small_mdhr()(torch.zeros(1, 6, 3, 65, 64))
    with pytest.raises(InputError, match=r"network.temporal_radius=4 is out of range: expected 1 to 3"):
        small_mdhr(temporal_radius=4)(torch.zeros(1, 6, 3, 64, 64))


def test_default_width_is_that_of_the_paper() -> None:
    assert default_width(2048) == default_width(1024) == 512


SWITCHES = {"mdhr": (1, 1, 1), "backbone_only": (0, 0, 0), "backbone_mfd": (1, 0, 0), "backbone_hsr": (0, 1, 1)}


@pytest.mark.parametrize("variant", SWITCHES)
def test_configuration_builds_the_network(variant: str) -> None:
    backbone = (
        "{_target_: mdhr.network.backbone.Backbone, name: mobilenetv3_small_050, pretrained: false, "
        "weights: null, feature_source: stage_output, drop_path_rate: 0.0, input_size: 64}"
    )
    data = "{au_set: {_target_: mdhr.action_units.action_unit_set, name: DISFA}, num_frames: 16, crop_size: 64}"
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose(overrides=[f"+network={variant}", f"+backbone={backbone}", f"+data={data}"])
    network = instantiate(cfg.network)
    switches = (network.mfd, network.cross_region, network.tcn)
    assert tuple(int(part is not None) for part in switches) == SWITCHES[variant]
