"""Export with a free number of clips, with shape checks enabled."""

from collections.abc import Callable

import pytest
import torch
from torch.export import Dim

from mdhr.network.mdhr import MDHR
from mdhr.network.me_graphau.me_graphau import MEGraphAU


@pytest.mark.slow
@pytest.mark.parametrize("name", ["small_mdhr", "small_me_graphau"])
def test_the_number_of_clips_is_free(name: str, request: pytest.FixtureRequest) -> None:
    make: Callable[..., MDHR | MEGraphAU] = request.getfixturevalue(name)
    network = make(**({"stage": 2} if name == "small_me_graphau" else {})).eval()
    clips = torch.randn(3, 4, 3, 64, 64)
    program = torch.export.export(network, (clips,), dynamic_shapes={"frames": {0: Dim("batch")}}).module()
    for num_clips in (1, 3, 4):
        clips = torch.randn(num_clips, 4, 3, 64, 64)
        torch.testing.assert_close(program(clips).scores, network(clips).scores)
