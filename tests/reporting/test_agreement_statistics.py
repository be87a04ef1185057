"""Agreement statistics, compared with scikit-learn and with published and hand-computed values."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from sklearn.metrics import f1_score as sklearn_f1

from mdhr.reporting.agreement_statistics import (
    active_events,
    cohen_kappa,
    confusion,
    count_matches,
    event_counts,
    f1_score,
    gwet_ac1,
    icc_3_1,
    rates,
    rating_moments,
)
from mdhr.reporting.agreement_table import CodedPair, agreement_table, bootstrap_unit

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
)
"""Table 2 of Shrout and Fleiss (1979): six targets, four judges."""


@pytest.mark.parametrize("seed", range(4))
def test_kappa_and_f1_equal_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = (rng.random(300) < 0.3).astype(np.int8)
    b = np.where(rng.random(300) < 0.8, a, 1 - a).astype(np.int8)
    counts = confusion(a, b)
    assert cohen_kappa(counts) == pytest.approx(cohen_kappa_score(a, b), abs=1e-12)
    assert f1_score(counts) == pytest.approx(sklearn_f1(a, b), abs=1e-12)
    a[:40], b[30:60] = -1, -1
    assert cohen_kappa(confusion(a, b)) == pytest.approx(cohen_kappa_score(a[60:], b[60:]), abs=1e-12)


def test_ac1_equals_a_hand_computed_table() -> None:
    # 120 of 125 frames agree; a codes 123 as active, b 118.
    counts = np.array([[2, 0], [5, 118]])
    rate = (123 + 118) / 2 / 125
    expected = 2 * rate * (1 - rate)
    assert gwet_ac1(counts) == pytest.approx((0.96 - expected) / (1 - expected))
    assert gwet_ac1(counts) == pytest.approx(0.9568, abs=5e-4)  # kappa is 0.43 although 96 % agree
    assert cohen_kappa(counts) == pytest.approx(0.43, abs=0.01)


def test_icc_equals_shrout_and_fleiss() -> None:
    assert icc_3_1(rating_moments(SHROUT_FLEISS)) == pytest.approx(0.71, abs=0.005)
    halves = rating_moments(SHROUT_FLEISS[:2]) + rating_moments(SHROUT_FLEISS[2:])
    assert icc_3_1(halves) == pytest.approx(icc_3_1(rating_moments(SHROUT_FLEISS)))


def test_icc_of_shifted_ratings_is_one_and_of_constant_ratings_undefined() -> None:
    ratings = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]])
    assert icc_3_1(rating_moments(ratings)) == pytest.approx(1)
    assert np.isnan(icc_3_1(rating_moments(np.full((5, 2), 3.3))))


def test_undefined_statistics_are_nan() -> None:
    inactive = np.array([[10, 0], [0, 0]])
    assert np.isnan(cohen_kappa(inactive))
    assert np.isnan(f1_score(inactive))
    assert gwet_ac1(inactive) == 1
    assert all(np.isnan(rate) for rate in rates(np.zeros((2, 2))))


def test_events_are_runs_of_active_frames() -> None:
    assert active_events(np.array([1, 1, 0, -1, 1, 0, 1]), fps=2) == [(0, 1), (2, 2.5), (3, 3.5)]


@pytest.mark.parametrize(
    ("a", "b", "tolerance", "matches"),
    [
        ([(0, 1)], [(1, 2)], 0, 0),  # events that touch do not overlap
        ([(0, 1)], [(1.4, 2)], 0.5, 1),
        ([(0, 1)], [(1.6, 2)], 0.5, 0),
        ([(0, 9)], [(1, 2), (4, 5)], 0, 1),  # one to one
        ([(0, 1), (2, 3)], [(0.5, 2.5)], 0, 1),
        ([(0, 1), (2, 3), (9, 10)], [(2.2, 2.6), (9.5, 12)], 0, 2),
        ([(0, 1), (1.2, 2)], [(1.05, 1.1), (1.9, 3)], 0.2, 2),
        ([], [(0, 1)], 1, 0),
    ],
)
def test_events_match_one_to_one_within_the_tolerance(a: list, b: list, tolerance: float, matches: int) -> None:
    assert count_matches(a, b, tolerance=tolerance) == matches
    assert count_matches(b, a, tolerance=tolerance) == matches


def test_unknown_frames_are_left_out_of_events() -> None:
    a, b = np.array([1, 1, 1, 0, 0, 0]), np.array([-1, -1, -1, 0, 1, 0])
    assert event_counts(a, b, fps=1, tolerance=0).tolist() == [0, 0, 1]


def pair(video: str, subject: str, seed: int, **values: np.ndarray) -> CodedPair:
    rng = np.random.default_rng(seed)
    labels = (rng.random((80, 2)) < 0.4).astype(np.int8)
    other = np.where(rng.random((80, 2)) < 0.85, labels, 1 - labels).astype(np.int8)
    return CodedPair(video=video, subject=subject, fps=25, labels_a=labels, labels_b=other, **values)


def test_table_pools_the_frames_of_all_videos_and_is_reproducible() -> None:
    pairs = [pair(f"v{i}", f"s{i % 3}", i) for i in range(6)]
    table = agreement_table(pairs, ["AU1", "L12"], tolerance=0.5, num_resamples=200)
    a, b = (np.concatenate([getattr(p, name) for p in pairs]) for name in ("labels_a", "labels_b"))
    assert table["au"].tolist() == ["AU1", "L12", "mean"]
    assert table["kappa"][:2].tolist() == pytest.approx([cohen_kappa_score(a[:, n], b[:, n]) for n in range(2)])
    assert table["kappa"][2] == pytest.approx(table["kappa"][:2].mean())
    assert table["bias"][0] == pytest.approx(b[:, 0].mean() - a[:, 0].mean())
    assert (table["kappa_low"] < table["kappa"]).all()
    assert (table["kappa"] < table["kappa_high"]).all()
    assert table["icc"].isna().all()
    assert table.equals(agreement_table(pairs, ["AU1", "L12"], tolerance=0.5, num_resamples=200))


def test_the_bootstrap_samples_videos_of_one_subject_and_nothing_for_one_video() -> None:
    assert bootstrap_unit([pair("v1", "s", 0), pair("v2", "s", 1)]) == "video"
    assert bootstrap_unit([pair("v1", "s", 0)]) == ""
    table = agreement_table([pair("v1", "s", 0)], ["AU1", "AU2"], tolerance=0.5)
    assert table["kappa_low"].isna().all()
    assert table["kappa"].notna().all()


def test_icc_is_computed_if_both_codings_have_intensities() -> None:
    ratings = np.repeat(SHROUT_FLEISS[:, None], 2, 1)
    one = pair("v1", "s", 0, intensities_a=ratings[..., 0], intensities_b=ratings[..., 1])
    expected = icc_3_1(rating_moments(SHROUT_FLEISS[:, :2]))
    assert agreement_table([one], ["AU1", "AU2"], tolerance=0.5)["icc"][0] == pytest.approx(expected)
