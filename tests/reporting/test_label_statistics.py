"""Tests of label statistics against naive loops, a manual count and, if available, real labels."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mdhr.action_units import BP4D, DISFA, ActionUnitSet
from mdhr.data.prepared.manifest import Manifest
from mdhr.data.releases.released_lists import read_released_lists
from mdhr.reporting.label_statistics import active_runs, co_occurrence, label_distribution, run_lengths


@pytest.fixture
def table() -> pd.DataFrame:
    """Random labels, some unknown, of videos with gaps in the frame numbers; rows in random order."""
    rng = np.random.default_rng(3)
    rows = []
    for subject in ("F001", "F002"):
        for task in ("T1", "T2", "T3"):
            numbers = np.flatnonzero(rng.random(120) < 0.93) + rng.integers(0, 3000)
            rows += [(subject, task, number) for number in numbers]
    table = pd.DataFrame(rows, columns=["subject", "task", "frame"])
    kept = rng.random((len(table), 12)).argsort(1) < 9  # labels that stay as they were in the frame before
    labels = rng.choice([0, 1, -1], (len(table), 12), p=[0.5, 0.45, 0.05]).astype(np.int8)
    for f in range(1, len(table)):
        labels[f] = np.where(kept[f], labels[f - 1], labels[f])
    table[list(BP4D.columns)] = labels
    return table.sample(frac=1, random_state=0)


def naive_runs(table: pd.DataFrame, column: str) -> Iterator[int]:
    """Naive search frame by frame."""
    label = {(row["subject"], row["task"], row["frame"]): row[column] for _, row in table.iterrows()}
    for subject, task, frame in sorted(label):
        if label[subject, task, frame] == 1 and label.get((subject, task, frame - 1)) != 1:
            length = 1
            while label.get((subject, task, frame + length)) == 1:
                length += 1
            yield length


def test_runs_equal_a_naive_search(table: pd.DataFrame) -> None:
    runs = active_runs(table, BP4D)
    assert list(runs) == list(BP4D.aus)
    for au in BP4D.aus:
        assert runs[au].tolist() == list(naive_runs(table, f"AU{au}"))
    assert max(lengths.max() for lengths in runs.values()) > 10, "or nothing was tried"


def test_runs_end_with_the_video_at_a_gap_and_at_an_unknown_label() -> None:
    table = pd.DataFrame(
        [
            ("A", "T1", 1),
            ("A", "T1", 2),
            ("A", "T2", 3),
            ("A", "T2", 5),
            ("A", "T2", 6),
            ("A", "T2", 7),
            ("B", "T2", 8),
        ],
        columns=["subject", "task", "frame"],
    ).assign(**{column: np.int8(0) for column in DISFA.columns})
    table["AU1"] = [1, 1, 1, 1, -1, 1, 1]
    table["AU2"] = [0, 1, 0, 1, 1, 1, 0]
    runs = active_runs(table, DISFA)
    assert runs[1].tolist() == [2, 1, 1, 1, 1]
    assert runs[2].tolist() == [1, 3]
    assert runs[4].tolist() == []
    row = run_lengths(runs, fps=20).set_index("au").loc[2]
    assert (row["runs"], row["mean_frames"], row["median_seconds"], row["longest_seconds"]) == (2, 2, 0.1, 0.15)


def test_counts_and_quantiles_equal_naive_loops(table: pd.DataFrame) -> None:
    distribution = label_distribution(table, BP4D, fps=25).set_index("au")
    lengths = run_lengths(active_runs(table, BP4D), fps=25).set_index("au")
    for au in BP4D.aus:
        labels = table[f"AU{au}"].tolist()
        row, runs = distribution.loc[au], sorted(naive_runs(table, f"AU{au}"))
        assert [row["active"], row["inactive"], row["unknown"]] == [labels.count(value) for value in (1, 0, -1)]
        assert row["rate"] == labels.count(1) / (labels.count(1) + labels.count(0))
        assert row["runs"] == lengths.loc[au, "runs"] == len(runs)
        assert row["mean_seconds"] == pytest.approx(sum(runs) / len(runs) / 25)
        assert row["median_frames"] == (runs[(len(runs) - 1) // 2] + runs[len(runs) // 2]) / 2
        assert lengths.loc[au, "shortest_frames"] == runs[0]
        assert lengths.loc[au, "longest_seconds"] == runs[-1] / 25
        assert lengths.loc[au, "q90_frames"] == pytest.approx(pd.Series(runs).quantile(0.9))


def test_co_occurrence_ignores_frames_with_unknown_labels(table: pd.DataFrame) -> None:
    together = co_occurrence(table, BP4D)
    for given in BP4D.columns:
        for other in BP4D.columns:
            pairs = [(a, b) for a, b in zip(table[given], table[other], strict=True) if a == 1 and b != -1]
            assert together.loc[given, other] == pytest.approx(sum(b for _, b in pairs) / len(pairs))
    assert (np.diag(together) == 1).all()


def test_statistics_without_data_are_nan(table: pd.DataFrame) -> None:
    table = table.assign(AU1=np.int8(-1), AU2=np.int8(0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        distribution = label_distribution(table, BP4D, fps=25).set_index("au")
        together = co_occurrence(table, BP4D)
    assert distribution.loc[1, ["active", "inactive", "unknown"]].tolist() == [0, 0, len(table)]
    assert distribution.loc[1:2, ["mean_frames", "median_seconds"]].isna().to_numpy().all()
    assert np.isnan(distribution.loc[1, "rate"])
    assert distribution.loc[2, "rate"] == 0
    assert together.loc[["AU1", "AU2"]].isna().to_numpy().all()
    assert together["AU1"].isna().all()


POSITIVES = {  # of all frames, as counted by others
    "BP4D": (31042, 25110, 29755, 67676, 80616, 87270, 82530, 68375, 24869, 50406, 24288, 22229),
    "DISFA": (6506, 5644, 19933, 10327, 5473, 16851, 36247, 11533),
}


@pytest.mark.slow
@pytest.mark.parametrize("au_set", [BP4D, DISFA], ids=lambda au_set: au_set.name)
def test_statistics_of_real_labels(shared: Path, au_set: ActionUnitSet) -> None:
    known = json.loads((shared / "spec/label_statistics.json").read_text())[au_set.name]
    manifest: Manifest = read_released_lists(
        shared / "lists" / au_set.name,
        au_set=au_set, fold=2, size=256, fps=known["fps"], list_folder=".", image_folder=None,
    )  # fmt: skip
    distribution = label_distribution(manifest.table, au_set, fps=manifest.fps)
    assert tuple(distribution["active"]) == POSITIVES[au_set.name]
    assert (distribution[["active", "inactive", "unknown"]].sum(axis=1) == known["frames"]).all()
    assert distribution["rate"].tolist() == pytest.approx(known["rate"], abs=0.5e-4)
    assert distribution["runs"].tolist() == known["on_runs"]
    assert distribution["median_frames"].tolist() == known["on_run_median"]
    assert distribution["mean_frames"].tolist() == pytest.approx(known["on_run_mean"], abs=0.0501)
    assert distribution["mean_seconds"].tolist() == pytest.approx(distribution["mean_frames"] / known["fps"])

    # Of two binary variables, correlation and both rates say how often they are 1 together.
    rate = np.array(known["positives"]) / known["frames"]
    deviation = np.sqrt(rate * (1 - rate))
    both = np.array(known["correlation"]) * np.outer(deviation, deviation) + np.outer(rate, rate)
    together = co_occurrence(manifest.table, au_set).to_numpy()
    rounding = 0.5e-3 * np.outer(deviation, deviation) / rate[:, None] + 1e-9
    assert (np.abs(together - both / rate[:, None]) <= rounding).all()
