from typing import Literal

import pytest
import torch
from torch import nn

from mdhr.action_units import action_unit_set
from mdhr.network.backbone import Backbone
from mdhr.network.mdhr import MDHR
from mdhr.network.me_graphau.me_graphau import MEGraphAU
from mdhr.reporting.tables.operation_count import count_by_module, count_operations

SWIN, RESNET = ("swin_base_patch4_window7_224", "stage_input"), ("resnet50", "stage_output")


def build_backbone(backbone: tuple[str, str]) -> Backbone:
    name, feature_source = backbone
    return Backbone(
        name=name, pretrained=False, weights=None, feature_source=feature_source, drop_path_rate=0.0, input_size=224
    )


def build_me_graphau(
    backbone: tuple[str, str], au_set: str, stage: Literal[1, 2], *, project_once: bool = False
) -> MEGraphAU:
    return MEGraphAU(
        backbone=build_backbone(backbone),
        au_set=action_unit_set(au_set),
        width=None,
        stage=stage,
        num_neighbors=4,
        project_once=project_once,
        weights=None,
    )


def build(backbone: tuple[str, str], au_set: str) -> MDHR:
    return MDHR(
        backbone=build_backbone(backbone),
        au_set=action_unit_set(au_set),
        width=None,
        temporal_radius=5,
        use_mfd=True,
        use_hsr=True,
        use_tcn=True,
    )


@pytest.mark.parametrize(
    ("backbone", "au_set", "parameters", "billions"),
    [
        (RESNET, "BP4D", 93_226_054, 7.178),
        (RESNET, "DISFA", 91_090_984, 7.133),
        (SWIN, "BP4D", 108_148_926, 16.298),
        (SWIN, "DISFA", 106_013_856, 16.253),
    ],
)
def test_mdhr_counts_equal_the_released_network(
    backbone: tuple[str, str], au_set: str, parameters: int, billions: float
) -> None:
    found = count_operations(lambda: build(backbone, au_set), num_frames=16, size=224)
    assert found.parameters == parameters
    assert found.multiply_adds_per_frame == pytest.approx(billions * 1e9, rel=1e-3)
    assert found.flops_per_frame == 2 * found.multiply_adds_per_frame


@pytest.mark.parametrize(
    ("backbone", "au_set", "stage", "parameters", "billions"),
    [
        (RESNET, "BP4D", 1, 28_253_784, 4.299),
        (RESNET, "DISFA", 1, 27_197_008, 4.246),
        (SWIN, "BP4D", 1, 90_964_688, 15.616),
        (SWIN, "DISFA", 1, 89_907_912, 15.563),
        (RESNET, "BP4D", 2, 31_666_132, 10.546),
        (RESNET, "DISFA", 2, 30_608_868, 7.098),
        (SWIN, "BP4D", 2, 94_377_036, 21.863),
        (SWIN, "DISFA", 2, 93_319_772, 18.415),
    ],
)
def test_me_graphau_counts_equal_the_released_network(
    backbone: tuple[str, str], au_set: str, stage: Literal[1, 2], parameters: int, billions: float
) -> None:
    found = count_operations(lambda: build_me_graphau(backbone, au_set, stage), num_frames=2, size=224)
    assert found.parameters == parameters
    assert found.multiply_adds_per_frame == pytest.approx(billions * 1e9, rel=1e-3)


def test_project_once_halves_the_operations() -> None:
    often, once = (
        count_operations(lambda x=x: build_me_graphau(RESNET, "BP4D", 2, project_once=x), num_frames=2, size=224)
        for x in (False, True)
    )
    assert once.parameters == often.parameters
    # ARM projects 49 positions of width 512 to query, key, value and W for 12 action units instead of 144 pairs, FAM to
    # key and value for 1 face instead of 12. Only the mean over positions is multiplied with the values.
    saved = (144 - 12) * 49 * 512 * (1024 + 512) + (12 - 1) * 49 * 512 * 768 + 144 * (49 - 1) * 49 * 512
    assert often.multiply_adds_per_frame - once.multiply_adds_per_frame == saved


def test_count_by_module() -> None:
    with torch.device("meta"):
        parts = count_by_module(build(RESNET, "BP4D").eval(), torch.empty(1, 16, 3, 224, 224))
    assert parts["backbone"] == pytest.approx(4.087e9, rel=1e-3)
    assert parts["mfd"] == pytest.approx(2.948e9, rel=1e-3)
    assert parts["local"] + parts["cross_region"] == pytest.approx(0.091e9, rel=1e-2)


def test_count_equals_a_manual_count() -> None:
    class Frames(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(3, 5, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.convolution(x.flatten(0, 1))

    found = count_operations(Frames, num_frames=4, size=8)
    assert (found.parameters, found.multiply_adds_per_frame) == (5 * 3 * 9 + 5, 8 * 8 * 5 * 3 * 9)
