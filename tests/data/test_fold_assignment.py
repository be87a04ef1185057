"""Test the assignment of subjects to folds."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from mdhr.data.fold_assignment import assign_folds
from mdhr.errors import InputError


def labels_of(rates: dict[str, tuple[float, float]], num_frames: int = 100) -> pd.DataFrame:
    """Return a table in which AU1 and L12 are active in the first frames of each subject."""
    rows = []
    for subject, (first, second) in rates.items():
        frame = np.arange(num_frames)
        active = {"AU1": frame < first * num_frames, "L12": frame < second * num_frames}
        rows.append(
            pd.DataFrame({"subject": subject, "frame": frame, **{k: v.astype("int8") for k, v in active.items()}})
        )
    return pd.concat(rows, ignore_index=True)


RANDOM = np.random.default_rng(0).random((10, 2))
LABELS = labels_of({f"S{i:02}": (a, b) for i, (a, b) in enumerate(RANDOM)})


def flat(folds: dict[int, tuple[str, ...]]) -> list[str]:
    return sorted(subject for members in folds.values() for subject in members)


@pytest.mark.parametrize("num_folds", [2, 3, 4, 10])
def test_every_subject_is_tested_once(num_folds: int) -> None:
    folds = assign_folds(LABELS, method="k_fold", num_folds=num_folds, seed=1)
    assert list(folds) == list(range(1, num_folds + 1))
    assert flat(folds) == sorted(LABELS["subject"].unique())
    sizes = {len(members) for members in folds.values()}
    assert max(sizes) - min(sizes) <= 1


def test_action_units_are_balanced_better_than_in_most_splits() -> None:
    subjects = sorted(LABELS["subject"].unique())
    counts = LABELS.groupby("subject")[["AU1", "L12"]].sum() / LABELS[["AU1", "L12"]].sum()

    def imbalance(members: tuple[str, ...]) -> float:
        return float(np.abs(counts.loc[list(members)].sum() - 0.5).max())

    halves = sorted(imbalance(members) for members in combinations(subjects, 5))
    folds = assign_folds(LABELS, method="k_fold", num_folds=2, seed=1)
    assert imbalance(folds[1]) <= halves[len(halves) // 5]


def test_rare_action_unit_is_in_every_fold() -> None:
    rates = {f"S{i}": (0.5, 0.1 if i in (0, 1, 2) else 0.0) for i in range(9)}
    folds = assign_folds(labels_of(rates), method="k_fold", num_folds=3, seed=1)
    assert all(len({"S0", "S1", "S2"} & set(members)) == 1 for members in folds.values())


def test_folds_are_deterministic_for_a_seed_and_differ_between_seeds() -> None:
    alike = labels_of({f"S{i}": (0.5, 0.5) for i in range(12)})
    first, again, other = (assign_folds(alike, method="k_fold", num_folds=3, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert assign_folds(alike.sample(frac=1, random_state=0), method="k_fold", num_folds=3, seed=1) == first


def test_leave_one_subject_out() -> None:
    folds = assign_folds(LABELS, method="leave_one_subject_out", num_folds=3, seed=1)
    assert folds == {i + 1: (f"S{i:02}",) for i in range(10)}


def test_single_split_has_the_share_of_one_fold() -> None:
    folds = assign_folds(LABELS, method="single_split", num_folds=5, seed=1)
    assert list(folds) == [1]
    assert len(folds[1]) == 2


def test_given_folds_are_kept() -> None:
    names = sorted(LABELS["subject"].unique())
    given = {2: names[5:], 1: names[:5]}
    assert assign_folds(LABELS, method="given", num_folds=3, seed=1, given=given) == {
        1: tuple(names[:5]),
        2: tuple(names[5:]),
    }
    assert assign_folds(LABELS, method="given", num_folds=3, seed=1, given={1: ["S03"]}) == {1: ("S03",)}


def test_unknown_labels_are_not_positive() -> None:
    unknown = LABELS.assign(AU1=-1)
    known = LABELS.drop(columns="AU1")
    assert assign_folds(unknown, method="k_fold", num_folds=3, seed=1) == assign_folds(
        known, method="k_fold", num_folds=3, seed=1
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "k_fold", "num_folds": 11}, "requires at least 11 subjects, the data has 10"),
        ({"method": "k_fold", "num_folds": 1}, "expected at least 2"),
        ({"method": "random"}, "expected one of given, k_fold"),
        ({"method": "k_fold", "given": {1: ["S00"]}}, "folds.given is set"),
        ({"method": "given"}, "requires data.folds.given"),
        ({"method": "given", "given": {1: ["S77"]}}, "contains S77, which the data does not have"),
        ({"method": "given", "given": {1: ["S00"], 2: ["S00"]}}, "S00 is in several folds"),
        ({"method": "given", "given": {1: ["S00"], 2: ["S01"]}}, "is in no fold"),
        ({"method": "given", "given": {1: sorted(LABELS["subject"].unique())}}, "contains every subject"),
        ({"method": "given", "given": {1: "S00"}}, "no list of subjects"),
        ({"method": "given", "given": {"a": ["S00"]}}, "not a number"),
    ],
)
def test_wrong_folds(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        assign_folds(LABELS, **{"num_folds": 3, "seed": 1, **settings})
    assert "\n" not in str(caught.value)
