"""Assignment of subjects to test folds. A subject is a test subject of at most one fold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd

from mdhr.action_units.facs import action_unit, au_column
from mdhr.errors import InputError, listed, shown

FoldMethod = Literal["given", "k_fold", "leave_one_subject_out", "single_split"]
Folds = dict[int, tuple[str, ...]]
"""Test subjects by the number of the fold, from 1."""


def assign_folds(
    labels: pd.DataFrame,
    *,
    method: FoldMethod,
    num_folds: int,
    seed: int,
    given: Mapping[int, Sequence[str]] | None = None,
) -> Folds:
    """Return the test subjects of every fold.

    Methods:

    - ``given``: the folds in ``given``. With one fold, the remaining subjects are always training subjects; several folds
      must contain every subject once.
    - ``k_fold``: ``num_folds`` folds whose numbers of subjects differ by at most one. Positive frames of every action unit
      and labeled frames are balanced greedily.
    - ``leave_one_subject_out``: one fold per subject, ordered by name.
    - ``single_split``: one fold with ``1 / num_folds`` of the subjects, chosen as in ``k_fold``.

    Args:
        labels: one row per frame with the column ``subject`` and one column per action unit (0, 1, or -1 if unknown).
            Other columns are ignored.
        num_folds: used by ``k_fold`` and ``single_split``.
        seed: order of subjects with equal labels. The same labels and seed return the same folds.

    Raises:
        InputError: unknown method, fewer subjects than folds, or ``given`` does not fit the subjects.
    """
    subjects = sorted(set(labels["subject"].astype(str)))
    if method == "given":
        return _given_folds(given, subjects)
    if given:
        raise InputError(
            f"data.folds.given is set, but data.folds.method={method}. Set data.folds.method=given, or remove data.folds.given."
        )
    if method == "leave_one_subject_out":
        _check_number(subjects, 2, "data.folds.method=leave_one_subject_out requires 2")
        return {fold: (subject,) for fold, subject in enumerate(subjects, start=1)}
    if method not in get_args(FoldMethod):
        raise InputError(f"data.folds.method={shown(method)}: expected one of {', '.join(get_args(FoldMethod))}.")
    if num_folds < 2:
        raise InputError(f"data.folds.num_folds={num_folds} is out of range: expected at least 2.")
    _check_number(subjects, num_folds, f"data.folds.num_folds={num_folds} requires at least {num_folds}")
    shares = _shares(labels, subjects)
    assigned = _stratified(shares, num_folds, seed)
    if method == "single_split":
        distance = [np.square(shares[assigned == k].sum(0) - 1 / num_folds).sum() for k in range(num_folds)]
        return {1: _members(subjects, assigned == int(np.argmin(distance)))}
    return {k + 1: _members(subjects, assigned == k) for k in range(num_folds)}


def _check_number(subjects: Sequence[str], least: int, what: str) -> None:
    if len(subjects) < least:
        found = f"the data has {len(subjects)} ({listed(subjects)})"
        raise InputError(f"{what} subjects, {found}. Lower data.folds.num_folds, or add subjects.")


def _given_folds(given: Mapping[int, Sequence[str]] | None, subjects: Sequence[str]) -> Folds:
    if not given:
        raise InputError(
            "data.folds.method=given requires data.folds.given, such as data.folds.given={1: [S01, S02], 2: [S03]}."
        )
    folds: Folds = {}
    for number, members in given.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise InputError(
                f"data.folds.given: fold {shown(number)!r} is not a number of at least 1. Number the folds 1, 2, ..."
            )
        if isinstance(members, str) or not members:
            raise InputError(
                f"data.folds.given: fold {number} is no list of subjects. Write it as {number}: [S01, S02]."
            )
        folds[number] = tuple(dict.fromkeys(str(member) for member in members))
        if unknown := sorted(set(folds[number]) - set(subjects)):
            raise InputError(
                f"data.folds.given: fold {number} contains {listed(unknown)}, which the data does not have. Its subjects are "
                f"{listed(subjects, limit=10)}."
            )
        if len(folds[number]) == len(subjects):
            raise InputError(f"data.folds.given: fold {number} contains every subject. Leave subjects for training.")
    count = Counter(subject for members in folds.values() for subject in members)
    if twice := sorted(subject for subject, times in count.items() if times > 1):
        raise InputError(f"data.folds.given: {listed(twice)} is in several folds. Name every subject once.")
    if len(folds) > 1 and (absent := sorted(set(subjects) - set(count))):
        raise InputError(
            f"data.folds.given: {listed(absent)} is in no fold. Several folds must contain every subject once."
        )
    return dict(sorted(folds.items()))


def _shares(labels: pd.DataFrame, subjects: Sequence[str]) -> np.ndarray:
    """Return ``S 1+N``: share of every subject in the frames and in the positive frames of every action unit."""
    columns = [column for column in labels.columns if _is_action_unit(column)]
    active = (labels[columns] == 1).assign(frames=True)
    counts = active.groupby(labels["subject"].astype(str)).sum().loc[list(subjects)].to_numpy(np.float64)
    totals: np.ndarray = counts.sum(0)
    return counts[:, totals > 0] / totals[totals > 0]


def _is_action_unit(column: object) -> bool:
    try:
        return au_column(action_unit(column)) == column
    except InputError:
        return False


def _stratified(shares: np.ndarray, num_folds: int, seed: int) -> np.ndarray:
    """Return the fold of every subject, from 0: the largest subject first, each into the fold that it balances most."""
    order = np.random.default_rng(seed).permutation(len(shares))
    order = order[np.argsort(-shares[order].max(1), kind="stable")]
    smallest, num_larger = divmod(len(shares), num_folds)
    load, size = np.zeros((num_folds, shares.shape[1])), np.zeros(num_folds, np.int64)
    assigned = np.empty(len(shares), np.int64)
    for subject in order:
        is_open = size < (smallest + 1 if (size > smallest).sum() < num_larger else smallest)
        increase = (2 * load * shares[subject]).sum(1)  # of the sum of squares; the square of the share is constant
        fold = min(np.flatnonzero(is_open), key=lambda k: (increase[k], size[k], k))
        assigned[subject] = fold
        load[fold] += shares[subject]
        size[fold] += 1
    return assigned


def _members(subjects: Sequence[str], chosen: np.ndarray) -> tuple[str, ...]:
    return tuple(np.asarray(subjects, dtype=object)[chosen])
