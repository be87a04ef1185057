import math

import jaxtyping
import pytest
import torch
from torch import nn

from mdhr.network.blocks import LinearBlock
from mdhr.network.mfd import window_mean


def test_blocks_side_by_side_equal_separate_blocks_in_a_loop() -> None:
    torch.manual_seed(0)
    wide = LinearBlock(6, 4, num_blocks=3)
    x = torch.randn(5, 7, 6)
    wide.train()
    result = wide(x)
    for n in range(3):
        linear, norm = nn.Linear(6, 4), nn.BatchNorm1d(4)
        linear.weight.data, linear.bias.data = (p.data[4 * n : 4 * n + 4] for p in wide.linear.parameters())
        expected = norm(linear(x).transpose(1, 2)).transpose(1, 2).clamp(min=0)
        torch.testing.assert_close(result[..., 4 * n : 4 * n + 4], expected)
        torch.testing.assert_close(wide.norm.running_var[4 * n : 4 * n + 4], norm.running_var)


@pytest.mark.parametrize("num_blocks", [1, 5])
def test_initial_spread_is_that_of_one_block(num_blocks: int) -> None:
    torch.manual_seed(0)
    block = LinearBlock(400, 200, num_blocks=num_blocks)
    assert block.linear.weight.std().item() == pytest.approx(math.sqrt(2 / 200), rel=0.02)
    assert block.norm.weight.eq(1).all()
    assert block.norm.bias.eq(0).all()


def test_shapes_of_annotations_are_checked() -> None:
    with pytest.raises(jaxtyping.TypeCheckError):
        window_mean(torch.zeros(2, 3, 4), 1)
