"""Evenly spaced samples of sequences of unknown length."""

import pytest

from mdhr.inference.even_sample import EvenSample


@pytest.mark.parametrize(("length", "step"), [(1, 1), (6, 1), (7, 2), (12, 2), (13, 4), (100, 32)])
def test_the_step_doubles_until_the_sample_fits(length: int, step: int) -> None:
    sample: EvenSample[int] = EvenSample(6)
    for position in range(length):
        sample.add(position, position)
    assert sample.step == step
    assert [sample.at(position) for position in range(length)] == [
        position // step * step for position in range(length)
    ]
