"""While these tests run, every shape in an annotation of the network is checked (jaxtyping with beartype)."""

from collections.abc import Callable

import pytest
from jaxtyping import install_import_hook

# Before anything imports the network: the hook works on modules as they are imported.
install_import_hook("mdhr.network", "beartype.beartype")

from mdhr.action_units import BP4D, ActionUnitSet  # noqa: E402
from mdhr.network.backbone import Backbone  # noqa: E402
from mdhr.network.mdhr import MDHR  # noqa: E402


@pytest.fixture
def small_mdhr() -> Callable[..., MDHR]:
    """Makes a quick MDHR: a MobileNet at 64 px, D = 32; switches and the action unit set by choice."""

    def make(*, au_set: ActionUnitSet = BP4D, size: int = 64, **switches: bool | int) -> MDHR:
        backbone = Backbone(
            name="mobilenetv3_small_050",
            pretrained=False,
            weights=None,
            tap="stage_output",
            drop_path_rate=0.0,
            input_size=size,
        )
        settings = {"width": 32, "num_neighbours": 2, "dynamics": True, "hierarchy": True, "temporal": True}
        return MDHR(backbone=backbone, au_set=au_set, **(settings | switches))

    return make
