"""Fixtures with small networks."""

from collections.abc import Callable
from typing import Any, Literal

import pytest

from mdhr.action_units import BP4D, ActionUnitSet
from mdhr.network.backbone import Backbone
from mdhr.network.mdhr import MDHR
from mdhr.network.me_graphau.me_graphau import MEGraphAU


def small_backbone(size: int = 64) -> Backbone:
    """Return a MobileNet with random weights."""
    return Backbone(
        name="mobilenetv3_small_050",
        pretrained=False,
        weights=None,
        feature_source="stage_output",
        drop_path_rate=0.0,
        input_size=size,
    )


@pytest.fixture
def small_mdhr() -> Callable[..., MDHR]:
    """Return a function that builds a small MDHR: MobileNet backbone, 64 px, D = 32."""

    def make(*, au_set: ActionUnitSet = BP4D, size: int = 64, **switches: bool | int) -> MDHR:
        settings = {"width": 32, "temporal_radius": 2, "use_mfd": True, "use_hsr": True, "use_tcn": True}
        return MDHR(backbone=small_backbone(size), au_set=au_set, **(settings | switches))

    return make


@pytest.fixture
def small_me_graphau() -> Callable[..., MEGraphAU]:
    """Return a function that builds a small ME-GraphAU: MobileNet backbone, 64 px, D = 32."""

    def make(*, au_set: ActionUnitSet = BP4D, stage: Literal[1, 2] = 2, **changes: Any) -> MEGraphAU:
        settings = {"width": 32, "num_neighbors": 4, "project_once": False, "weights": None}
        return MEGraphAU(backbone=small_backbone(), au_set=au_set, stage=stage, **(settings | changes))

    return make
