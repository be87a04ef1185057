"""Agreement with blendshapes: the counterparts of action units, and rank correlations against a naive computation."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter1d

from mdhr.action_units import BP4D, DISFA, action_unit_set
from mdhr.reporting.blendshape_agreement import (
    CONSTANT_SCORE,
    COUNTERPARTS,
    FEW_FRAMES,
    MIN_FRAMES,
    NO_COUNTERPART,
    SMALL_RANGE,
    chance_level,
    counterpart_values,
    mean_over_videos,
    measure_agreement,
)
from tests.support.paths import ROOT

SIDED = [
    "browDown", "browOuterUp", "cheekSquint", "eyeBlink", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp",
    "eyeSquint", "eyeWide", "mouthDimple", "mouthFrown", "mouthLowerDown", "mouthPress", "mouthSmile", "mouthStretch",
    "mouthUpperUp", "noseSneer",
]  # fmt: skip
CENTRAL = [
    "_neutral", "browInnerUp", "cheekPuff", "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose",
    "mouthFunnel", "mouthLeft", "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower",
    "mouthShrugUpper",
]  # fmt: skip
SHAPES = [*CENTRAL, *(f"{shape}{side}" for shape in SIDED for side in ("Left", "Right"))]
"""The 52 outputs of MediaPipe."""


def naive_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1; equal values have their mean rank."""
    return np.array([sum(other < each for other in values) + (sum(values == each) + 1) / 2 for each in values])


def test_every_action_unit_has_counterparts_that_mediapipe_estimates() -> None:
    frame = dict.fromkeys(SHAPES, 0.25)
    assert len(frame) == 52
    for au_set in (BP4D, DISFA):
        np.testing.assert_array_equal(counterpart_values([frame, None], au_set)[0], [0.25] * len(au_set.aus))
        assert np.isnan(counterpart_values([frame, None], au_set)[1]).all()


def test_values_are_means_of_both_sides_and_the_largest_of_alternatives() -> None:
    frame = dict.fromkeys(SHAPES, 0.0) | {
        "browInnerUp": 0.3, "mouthSmileLeft": 0.2, "mouthSmileRight": 0.6, "mouthRollUpper": 0.1, "mouthRollLower": 0.4,
        "jawOpen": 0.1, "mouthLowerDownLeft": 0.7, "mouthUpperUpRight": 0.4,
    }  # fmt: skip
    values = {au: counterpart.value(frame) for au, counterpart in COUNTERPARTS.items()}
    assert values == pytest.approx(
        {
            1: 0.3,
            2: 0,
            4: 0,
            6: 0,
            7: 0,
            9: 0,
            10: 0.2,
            12: 0.4,
            14: 0,
            15: 0,
            17: 0,
            23: 0.25,
            24: 0,
            25: 0.35,
            26: 0.1,
            45: 0,
        }
    )


def test_correlations_equal_the_naive_ones_over_frames_with_both_estimates() -> None:
    generator = np.random.default_rng(0)
    scores = generator.random((80, len(DISFA.aus))).round(1)  # with ties
    values = scores**3 + generator.random(scores.shape).round(1)
    scores[:7], values[20:25] = np.nan, np.nan
    table = measure_agreement(scores, values, DISFA)
    both = np.r_[7:20, 25:80]
    for n, row in table.iterrows():
        expected = np.corrcoef(naive_ranks(scores[both, n]), naive_ranks(values[both, n]))[0, 1]
        assert row["correlation"] == pytest.approx(expected)
        assert row["blendshape_range"] == np.ptp(values[both, n])
        assert row["score_range"] == np.ptp(scores[both, n])
    assert table["frames"].eq(len(both)).all()
    assert table["left_out"].eq("").all()
    assert table["au"].tolist() == list(DISFA.columns)


def test_estimates_that_cannot_rank_frames_are_left_out_and_counted() -> None:
    rising = np.linspace(0, 1, MIN_FRAMES)[:, None].repeat(len(DISFA.aus), axis=1)
    scores, values = rising.copy(), rising.copy()
    values[:, 0] *= 0.049
    values[:, 1] *= 0.051
    scores[:, 2] = 0.4
    values[4, 3] = np.nan
    scores[:, 4] *= -1
    one = measure_agreement(scores, values, DISFA)
    assert one["left_out"].tolist() == [SMALL_RANGE, "", CONSTANT_SCORE, FEW_FRAMES, "", "", "", ""]
    np.testing.assert_allclose(one["correlation"], [np.nan, 1, np.nan, np.nan, -1, 1, 1, 1])
    other = measure_agreement(rising, rising, DISFA)
    no_face = measure_agreement(rising[:0], rising[:0], DISFA)
    assert no_face["left_out"].eq(FEW_FRAMES).all()
    means = mean_over_videos(pd.concat([one, other, no_face]))
    assert means["au"].tolist() == list(DISFA.columns)
    np.testing.assert_allclose(means["correlation"], [1, 1, 1, 1, 0, 1, 1, 1])
    assert means["videos"].tolist() == [1, 2, 1, 1, 2, 2, 2, 2]
    assert means["above chance"].tolist() == [1, 2, 1, 1, 1, 2, 2, 2], "a correlation of -1 is not"
    assert means[SMALL_RANGE].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert means[CONSTANT_SCORE].tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
    assert means[FEW_FRAMES].tolist() == [1, 1, 1, 2, 1, 1, 1, 1]


@pytest.mark.parametrize("length", [50, 81])
def test_chance_level_is_the_quantile_over_naive_shifts(length: int) -> None:
    score, value = np.random.default_rng(1).random((2, length)).round(1)
    shifts = range(length // 10, length - length // 10 + 1)
    shifted = [np.corrcoef(naive_ranks(np.roll(score, shift)), naive_ranks(value))[0, 1] for shift in shifts]
    assert chance_level(score, value) == pytest.approx(np.quantile(np.abs(shifted), 0.95))


def test_few_of_many_unrelated_series_are_above_chance() -> None:
    """Also of smooth ones, of which most exceed the level of as many independent frames."""
    generator = np.random.default_rng(2)
    score, value = gaussian_filter1d(generator.normal(size=(2, 2000, 40, len(BP4D.aus))), 6, axis=1)
    table = pd.concat([measure_agreement(score[:, i], value[:, i], BP4D) for i in range(score.shape[1])])
    assert (table["correlation"].abs() > 1.96 / np.sqrt(2000)).mean() > 0.5
    assert 0.01 < (table["correlation"] > table["chance"]).mean() < 0.05


def test_documentation_lists_the_counterparts() -> None:
    rows = re.findall(r"^\| AU(\d+) \| `(.*?)` \| (.*?) \|$", (ROOT / "docs/blendshapes.md").read_text(), flags=re.M)
    documented = [(int(au), formula, note.replace("`", "")) for au, formula, note in rows]
    assert documented == [(au, str(each), each.note) for au, each in COUNTERPARTS.items()]


def test_one_sided_and_unknown_action_units() -> None:
    au_set = action_unit_set("lab", [45, "L12", "R26", 37])
    generator = np.random.default_rng(0)
    frames = [
        {"eyeBlinkLeft": a, "eyeBlinkRight": b, "mouthSmileLeft": c, "mouthSmileRight": d, "jawOpen": e}
        for a, b, c, d, e in generator.random((60, 5))
    ]
    values = counterpart_values(frames, au_set)
    np.testing.assert_allclose(values[:, 0], [(f["eyeBlinkLeft"] + f["eyeBlinkRight"]) / 2 for f in frames])
    np.testing.assert_allclose(values[:, 1], [f["mouthSmileLeft"] for f in frames])
    table = measure_agreement(generator.random((60, 4)), values, au_set)
    assert table["blendshapes"].tolist() == ["eyeBlink", "mouthSmileLeft", "none", "none"]
    assert table["left_out"].tolist() == ["", "", NO_COUNTERPART, NO_COUNTERPART]
