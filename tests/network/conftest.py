"""While these tests run, every shape in an annotation of the network is checked (jaxtyping with beartype)."""

from collections.abc import Callable
from typing import Any, Literal

import pytest
from jaxtyping import install_import_hook

# Before anything imports the network: the hook works on modules as they are imported.
install_import_hook("mdhr.network", "beartype.beartype")

from mdhr.action_units import BP4D, ActionUnitSet  # noqa: E402
from mdhr.network.backbone import Backbone  # noqa: E402
from mdhr.network.mdhr import MDHR  # noqa: E402
from mdhr.network.me_graphau.me_graphau import MEGraphAU  # noqa: E402


def small_backbone(size: int = 64) -> Backbone:
    """A MobileNet with random weights."""
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
    """Makes a quick MDHR: a MobileNet at 64 px, D = 32; switches and the action unit set by choice."""

    def make(*, au_set: ActionUnitSet = BP4D, size: int = 64, **switches: bool | int) -> MDHR:
        settings = {"width": 32, "temporal_radius": 2, "use_mfd": True, "use_hsr": True, "use_tcn": True}
        return MDHR(backbone=small_backbone(size), au_set=au_set, **(settings | switches))

    return make


@pytest.fixture
def small_me_graphau() -> Callable[..., MEGraphAU]:
    """Makes a quick ME-GraphAU: a MobileNet at 64 px, D = 32."""

    def make(*, au_set: ActionUnitSet = BP4D, stage: Literal[1, 2] = 2, **changes: Any) -> MEGraphAU:
        settings = {"width": 32, "num_nearest": 4, "project_once": False, "weights": None}
        return MEGraphAU(backbone=small_backbone(), au_set=au_set, stage=stage, **(settings | changes))

    return make
