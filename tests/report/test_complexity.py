import pytest
import torch
from torch import nn

from mdhr.action_units import action_unit_set
from mdhr.network.backbone import Backbone
from mdhr.network.mdhr import MDHR
from mdhr.report.complexity import complexity, part_costs

SWIN, RESNET = ("swin_base_patch4_window7_224", "stage_input"), ("resnet50", "stage_output")


def build(backbone: tuple[str, str], au_set: str) -> MDHR:
    name, tap = backbone
    return MDHR(
        backbone=Backbone(name=name, pretrained=False, weights=None, tap=tap, drop_path_rate=0.0, input_size=224),
        au_set=action_unit_set(au_set),
        width=None,
        num_neighbours=5,
        dynamics=True,
        hierarchy=True,
        temporal=True,
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
def test_size_and_cost_are_the_released_ones(
    backbone: tuple[str, str], au_set: str, parameters: int, billions: float
) -> None:
    found = complexity(lambda: build(backbone, au_set), num_frames=16, size=224)
    assert found.parameters == parameters
    assert found.multiply_adds_per_frame == pytest.approx(billions * 1e9, rel=1e-3)
    assert found.flops_per_frame == 2 * found.multiply_adds_per_frame


def test_cost_of_the_parts() -> None:
    with torch.device("meta"):
        parts = part_costs(build(RESNET, "BP4D").eval(), torch.empty(1, 16, 3, 224, 224))
    assert parts["backbone"] == pytest.approx(4.087e9, rel=1e-3)
    assert parts["dynamic"] == pytest.approx(2.948e9, rel=1e-3)
    assert parts["local"] + parts["cross_region"] == pytest.approx(0.091e9, rel=1e-2)


def test_a_count_by_hand() -> None:
    class Frames(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(3, 5, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.convolution(x.flatten(0, 1))

    found = complexity(Frames, num_frames=4, size=8)
    assert (found.parameters, found.multiply_adds_per_frame) == (5 * 3 * 9 + 5, 8 * 8 * 5 * 3 * 9)
