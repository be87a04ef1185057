"""Simulated clips and independent frames: determinism, distractors, resting intensity, and scene ranges."""

import numpy as np
import pytest

from mdhr.action_units import BP4D, DISFA, action_unit_set
from mdhr.errors import InputError
from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.clip_simulator import CLIP_FIELDS, ClipSimulator, simulate_independent_frames, subsample
from mdhr.synthetic.face_units import AUS
from mdhr.synthetic.general_acting import GeneralClipSimulator
from mdhr.synthetic.intensity_curves import OCCURRENCE_LEVEL, occurrence
from mdhr.synthetic.scene import BLUR, DEFOCUS


def test_resting_intensity():
    """Half of the labeled units rest at a visible intensity, correlated like the labels."""
    simulator = ClipSimulator(BP4D)
    resting = np.stack([simulator.resting_intensity(seed) for seed in range(1500)])  # identity U 2
    assert resting.shape[1:] == (len(AUS), 2)
    assert resting.dtype == np.float32
    rests = resting.mean(-1) > 0
    labeled = [AUS.index(au) for au in BP4D.aus]
    others = sorted(set(range(len(AUS))) - set(labeled))
    np.testing.assert_allclose(rests[:, labeled].mean(0), 0.5, atol=0.05)
    assert not rests[:, others].any()
    strength = resting.mean(-1)[rests]
    assert strength.min() >= 0.25 - 1e-6
    assert strength.max() <= 0.85 + 1e-6
    together = np.corrcoef(rests[:, labeled].T)
    of_labels = simulator.tracks.statistics.correlation
    pairs = np.triu_indices(len(labeled), 1)
    assert np.corrcoef(together[pairs], of_labels[pairs])[0, 1] > 0.8


def test_clip():
    simulator = ClipSimulator(BP4D)
    animation = simulator.simulate(rng=np.random.default_rng(0), num_frames=50, stride=3)
    again = simulator.simulate(rng=np.random.default_rng(0), num_frames=50, stride=3)
    for name, value in vars(animation).items():
        np.testing.assert_array_equal(value, getattr(again, name))
        if name not in CLIP_FIELDS and value is not None:
            assert len(value) == 50
            assert value.dtype == np.float32
            assert np.isfinite(value).all()
    labels = simulator.labels(animation)
    assert labels.shape == (50, 12)
    np.testing.assert_array_equal(labels, occurrence(animation.intensity)[:, [AUS.index(au) for au in BP4D.aus]])
    assert (np.abs(animation.rotation) <= [15, 10, 6]).all()
    assert np.abs(np.diff(animation.rotation, axis=0)).max() < 8, "the head does not jump"


def test_stride_keeps_every_third_frame_of_the_same_process():
    simulator = ClipSimulator(DISFA)
    fine = simulator.simulate(rng=np.random.default_rng(1), num_frames=90, stride=1)
    coarse = simulator.simulate(rng=np.random.default_rng(1), num_frames=30, stride=3)
    np.testing.assert_array_equal(fine.intensity[::3], coarse.intensity)
    np.testing.assert_array_equal(fine.background, coarse.background)


def test_distractors_are_rare_and_suppressed_by_antagonists():
    simulator = ClipSimulator(BP4D)
    clips = [simulator.simulate(rng=np.random.default_rng(seed), num_frames=150, stride=3) for seed in range(60)]
    intensity = np.concatenate([clip.intensity for clip in clips]).mean(-1)
    jaw, parted, pressed = (intensity[:, AUS.index(au)] for au in (26, 25, 24))
    assert 0.02 < (parted >= OCCURRENCE_LEVEL).mean() < 0.2
    assert 0.002 < (jaw >= OCCURRENCE_LEVEL).mean() < 0.1
    assert (np.minimum(parted, pressed) < 0.6).all(), "lips are not pressed and open"


def test_independent_frames():
    animation = simulate_independent_frames(rng=np.random.default_rng(0), num_frames=4000)
    assert isinstance(animation, FaceAnimation)
    both = animation.intensity.mean(-1)
    assert 0.30 < (both > 0.15).mean() < 0.38
    assert both.max() <= 1.3 + 1e-6
    sides = np.abs(animation.intensity[..., 0] - animation.intensity[..., 1])
    assert (sides == 0).mean() > 0.7, "mostly both sides alike"
    neighbors = np.corrcoef(both[:-1, 0], both[1:, 0])[0, 1]
    assert abs(neighbors) < 0.06
    assert animation.rotation[:, 0].std() > 9, "wider than in clips"
    assert animation.blur.min() >= 0
    assert animation.noise.min() >= 0


def test_subsampling_keeps_the_background():
    neutral = FaceAnimation.neutral(10)
    assert subsample(4, neutral).num_frames == 3
    assert subsample(4, neutral).background.shape == (3,)


def test_only_clips_have_defocus():
    simulator = ClipSimulator(BP4D)
    played = [simulator.simulate(rng=np.random.default_rng(seed), num_frames=400, stride=1) for seed in range(20)]
    blur = np.concatenate([animation.blur for animation in played])
    lost = blur > 1.2
    assert 0.15 < lost.mean() < 0.4
    assert blur.max() <= BLUR.high + DEFOCUS[1]
    starts, ends = (np.flatnonzero(np.diff(lost.astype(int)) == step) for step in (1, -1))
    lengths = ends[: len(starts)] - starts[: len(ends)]
    assert np.median(lengths) <= 0.35 * simulator.fps
    still = simulate_independent_frames(rng=np.random.default_rng(0), num_frames=4000)
    assert still.blur.max() < 1.2, "the backbone is pretrained on frames in focus"


@pytest.mark.parametrize("kind", [ClipSimulator, GeneralClipSimulator])
@pytest.mark.parametrize("aus", [(45, 12, 9, 1), (45,), (*AUS, 45)])
def test_labels_of_any_set(kind: type[ClipSimulator], aus: tuple[int, ...]):
    """Columns follow the set; AU45 follows the eyelids."""
    simulator = kind(action_unit_set("lab", aus))
    animation = simulator.simulate(rng=np.random.default_rng(3), num_frames=400, stride=1)
    simulator.with_identity(animation, 5)
    labels = simulator.labels(animation)
    assert labels.dtype == np.int8
    assert labels.shape == (400, len(aus))
    for column, au in zip(labels.T, aus, strict=True):
        closed = animation.blink >= 0.5
        expected = closed if au == 45 else animation.intensity[:, AUS.index(au)].mean(-1) >= OCCURRENCE_LEVEL
        np.testing.assert_array_equal(column, expected)
    assert 0 < labels[:, aus.index(45)].mean() < 0.2


def test_statistics_of_other_sets():
    """Those of BP4D for its action units, those of DISFA at the frame rate of BP4D for others."""
    bp4d, disfa = ClipSimulator(BP4D).tracks.statistics, ClipSimulator(DISFA).tracks.statistics
    lab = ClipSimulator(action_unit_set("lab", [9, 12, 25])).tracks.statistics
    assert (lab.aus, lab.fps) == ((9, 12, 25), 25)
    np.testing.assert_allclose(lab.rate, [0.0418, 0.562, 0.2771])
    np.testing.assert_allclose(lab.on_run_median, [1.25 * 38, 122.5, 1.25 * 68])
    np.testing.assert_allclose(lab.correlation, disfa.correlation[np.ix_([4, 5, 6], [4, 5, 6])])
    same = ClipSimulator(action_unit_set("lab", BP4D.aus)).tracks.statistics
    np.testing.assert_array_equal(same.correlation, bp4d.correlation)


def test_action_units_that_cannot_be_rendered():
    with pytest.raises(
        InputError, match=r"AU5, L12 of lab cannot be rendered: expected action units of 1, 2, 4, .* and 45"
    ):
        ClipSimulator(action_unit_set("lab", [1, 5, "L12"]))
