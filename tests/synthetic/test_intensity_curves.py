"""Intensity curves: exact labels, realistic durations, and asymmetry."""

from dataclasses import replace

import numpy as np
import pytest

from mdhr.action_units import BP4D, DISFA
from mdhr.synthetic.animation import MAX_INTENSITY, FaceAnimation
from mdhr.synthetic.intensity_curves import (
    BENCH_CURVES,
    GENERAL_CURVES,
    OCCURRENCE_LEVEL,
    left_right_intensity,
    sample_intensity,
)
from mdhr.synthetic.label_tracks import LabelStatistics, LabelTrackSampler
from mdhr.synthetic.temporal_noise import smooth_noise


@pytest.mark.parametrize("au_set", [BP4D, DISFA], ids=lambda au_set: au_set.name)
def test_labels_equal_the_tracks(au_set):
    """The intensity curves change no label, so rates, run lengths, and correlations of the tracks are kept."""
    tracks, rng = LabelTrackSampler(LabelStatistics.load(au_set.name)), np.random.default_rng(3)
    for _ in range(6):
        track = tracks.sample(rng=rng, num_frames=400)
        for n, au in enumerate(au_set.aus):
            intensity = sample_intensity(track[:, n], au=au, rng=rng, fps=25)
            np.testing.assert_array_equal(intensity.mean(-1) >= OCCURRENCE_LEVEL, track[:, n] == 1)


STEADY = replace(BENCH_CURVES, fluctuation=0.0)
"""Events hold their apex still, so that rise and fall can be measured."""


def test_a_lone_event_rises_and_falls_within_its_time():
    track = np.zeros(200, np.int8)
    track[80:130] = 1
    for seed in range(20):
        both = sample_intensity(track, au=12, rng=np.random.default_rng(seed), fps=25, style=STEADY).mean(-1)
        assert both[100:110].min() > OCCURRENCE_LEVEL
        assert both[:68].max() < OCCURRENCE_LEVEL
        assert both[142:].max() < OCCURRENCE_LEVEL
        apex = np.median(both[95:115])
        reached = np.flatnonzero(both[:110] > 0.9 * min(apex, both[80:110].max()))[0]
        left = np.flatnonzero(both[:80] < 0.02 + both[:60].max())[-1] if both[:60].max() else 80 - 12
        assert 1 <= reached - left <= 30


def test_onset_lasts_4_to_12_frames():
    """Measured on events without twitches around them: frames from 2 % to 98 % of the first maximum's height."""
    track = np.zeros(120, np.int8)
    track[50:80] = 1
    durations = []
    for seed in range(200):
        both = sample_intensity(track, au=12, rng=np.random.default_rng(seed), fps=25, style=STEADY).mean(-1)
        if both[:38].max() == 0 and both[92:].max() == 0:
            start = np.flatnonzero(both > 0)[0]
            steep = np.diff(both[start : start + 16]) > 0.02  # the rise is what changes fast
            durations.append(np.flatnonzero(steep)[-1] - np.flatnonzero(steep)[0] + 1)
    assert len(durations) > 20
    assert np.percentile(durations, 10) >= 3
    assert np.percentile(durations, 90) <= 13


def test_events_differ_in_strength_and_side():
    track = np.tile(np.repeat(np.array([0, 1], np.int8), 30), 40)
    intensity = sample_intensity(track, au=12, rng=np.random.default_rng(0), fps=25)
    apex = intensity.reshape(40, 60, 2)[:, 40:50].mean(1)  # event, side
    strength, side = apex.mean(1), (apex[:, 0] - apex[:, 1]) / apex.sum(1)
    assert strength.std() > 0.1
    assert 0.05 < side.std() < 0.25
    assert abs(side.mean()) < 0.06


def test_general_curves_include_traces_maxima_and_one_sided_events():
    track = np.tile(np.repeat(np.array([0, 1], np.int8), 60), 300)
    intensity = sample_intensity(track, au=12, rng=np.random.default_rng(0), fps=25, style=GENERAL_CURVES)
    np.testing.assert_array_equal(intensity.mean(-1) >= OCCURRENCE_LEVEL, track == 1)
    apex = intensity.reshape(300, 120, 2)[:, 85:95].mean(1)  # event, side
    strength = apex.mean(1)
    assert np.histogram(strength, bins=5, range=(0.3, 1.3))[0].min() > 30, "intensities A to E"
    one_sided = apex.min(1) < 0.3 * apex.max(1)
    assert 0.02 < one_sided.mean() < 0.1


def test_there_are_twitches_that_do_not_count():
    both = sample_intensity(np.zeros(5000, np.int8), au=4, rng=np.random.default_rng(0), fps=25).mean(-1)
    assert both.max() < OCCURRENCE_LEVEL
    assert 0.01 < (both > 0.05).mean() < 0.25


def test_weak_units_act_a_quarter_stronger():
    track = np.tile(np.repeat(np.array([0, 1], np.int8), 30), 200)
    weak, other = (sample_intensity(track, au=au, rng=np.random.default_rng(0), fps=25).mean(-1) for au in (6, 12))
    apex = np.tile(np.arange(60), 200) == 45
    assert weak[apex].mean() / other[apex].mean() == pytest.approx(1.25, abs=0.06)
    assert weak.max() == pytest.approx(MAX_INTENSITY, abs=1e-6)


def test_intensity_fluctuates_during_an_event():
    track = np.ones(4000, np.int8)
    both = sample_intensity(track, au=12, rng=np.random.default_rng(0), fps=25).mean(-1)
    assert both.std() > 0.2 * (both.mean() - OCCURRENCE_LEVEL)
    idle = sample_intensity(0 * track, au=12, rng=np.random.default_rng(0), fps=25).mean(-1)
    assert np.median(idle) < 1e-6


def test_a_unit_moves_from_where_it_rests():
    still = FaceAnimation.neutral(3)
    resting = np.full_like(still.resting, 0.6)
    intensity = np.array([0, 0.5, MAX_INTENSITY], np.float32)[:, None, None] * np.ones_like(still.intensity)
    acted = replace(still, intensity=intensity)
    shown = [replace(acted, resting=resting).rendered_intensity(f)[0, 0] for f in range(3)]
    np.testing.assert_allclose(shown, [0.6, 0.6 + 0.5 * 0.6, MAX_INTENSITY], rtol=1e-6)
    np.testing.assert_array_equal(acted.rendered_intensity(1), intensity[1])


def test_two_sides_keep_their_mean_and_range():
    both, lopsided = np.array([0.0, 0.5, 1.45]), np.array([0.5, 0.2, 0.9])
    sides = left_right_intensity(both, lopsided)
    np.testing.assert_allclose(sides, [[0, 0], [0.6, 0.4], [1.5, 1.4]], atol=1e-6)


def test_smooth_noise_has_unit_variance_and_the_stated_memory():
    rng = np.random.default_rng(0)
    noise = np.stack([smooth_noise(rng, 200, 10.0) for _ in range(400)])
    assert noise.std() == pytest.approx(1, abs=0.05)
    assert (noise[:, 10:] * noise[:, :-10]).mean() == pytest.approx(np.exp(-0.5), abs=0.05)
