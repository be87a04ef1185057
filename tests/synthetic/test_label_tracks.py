"""Label tracks: the statistics of the real labels, at stride 1, with a fixed seed."""

import json

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from mdhr.action_units import ACTION_UNIT_SETS, action_unit_set
from mdhr.synthetic.label_tracks import MIN_RUN, LabelStatistics, LabelTrackSampler, latent_correlation, run_lengths

VIDEOS = {"BP4D": (600, 450), "DISFA": (100, 4845)}  # number and frames, about as long as the real ones


@pytest.fixture(scope="module", params=sorted(VIDEOS))
def simulated(request):
    statistics = LabelStatistics.load(request.param)
    number, frames = VIDEOS[request.param]
    rng, tracks = np.random.default_rng(0), LabelTrackSampler(statistics)
    return statistics, [tracks.sample(rng=rng, num_frames=frames) for _ in range(number)]


def naive_runs(track):
    """Lengths of the runs of ones, counted frame by frame."""
    lengths, length = [], 0
    for label in [*track, 0]:
        if label:
            length += 1
        elif length:
            lengths.append(length)
            length = 0
    return lengths


def test_rates_match(simulated):
    statistics, videos = simulated
    np.testing.assert_allclose(np.concatenate(videos).mean(0), statistics.rate, atol=0.03)


def test_correlations_match(simulated):
    statistics, videos = simulated
    correlation = np.corrcoef(np.concatenate(videos).T)
    np.testing.assert_allclose(correlation, statistics.correlation, atol=0.1)


def test_median_run_lengths_match(simulated):
    statistics, videos = simulated
    for n in range(len(statistics.aus)):
        median = np.median([length for video in videos for length in naive_runs(video[:, n])])
        assert 0.7 < median / statistics.on_run_median[n] < 1.3, statistics.aus[n]


def test_no_run_is_shorter_than_coders_mark(simulated):
    _, videos = simulated
    for video in videos[:20]:
        for n in range(video.shape[1]):
            assert all(length >= MIN_RUN for length in run_lengths(video[:, n])[0][1:-1])


def test_same_seed_same_tracks():
    tracks = LabelTrackSampler(LabelStatistics.load("BP4D"))
    first, again, other = (tracks.sample(rng=np.random.default_rng(seed), num_frames=300) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("name", sorted(ACTION_UNIT_SETS))
def test_committed_statistics_are_those_of_the_real_labels(name, shared):
    real = json.loads((shared / "spec" / "label_statistics.json").read_text())[name]
    ours = LabelStatistics.load(name)
    assert ours.aus == tuple(real["aus"]) == action_unit_set(name).aus
    assert ours.fps == real["fps"]
    for key in ("rate", "on_run_median", "correlation"):
        np.testing.assert_array_equal(getattr(ours, key), real[key])


@pytest.mark.parametrize("latent", [-0.5, 0.0, 0.3, 0.8])
def test_latent_correlation_inverts_the_cut(latent):
    threshold = norm.isf([0.2, 0.55])
    both = multivariate_normal(cov=[[1, latent], [latent, 1]]).cdf(-threshold)  # both above, by symmetry
    p, q = 0.2, 0.55
    binary = (both - p * q) / np.sqrt(p * (1 - p) * q * (1 - q))
    found = latent_correlation(np.array([[1, binary], [binary, 1]]), threshold)
    assert found[0, 1] == pytest.approx(latent, abs=2e-3)


def test_run_lengths_of_a_written_track():
    lengths, labels = run_lengths(np.array([0, 0, 1, 1, 1, 0, 1]))
    assert lengths.tolist() == [2, 3, 1, 1]
    assert labels.tolist() == [0, 1, 0, 1]


def test_a_selection_keeps_its_statistics():
    statistics = LabelStatistics.load("DISFA")
    some = statistics.select((25, 9), rate_factor=0.5)
    assert some.rate.tolist() == [statistics.rate[6] / 2, statistics.rate[4] / 2]
    assert some.correlation[0, 1] == statistics.correlation[6, 4]
