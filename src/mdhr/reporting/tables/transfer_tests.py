"""Paired t-tests between MDHR and the other networks of the transfer table, for every training and tested group.

A pair is a subject, as in Table 6. The value of a subject is the mean over action units of the area under the ROC curve
of its frames, averaged over seeds. F1 would mostly compare thresholds: scores of another group are shifted.
"""

from collections.abc import Sequence
from dataclasses import asdict
from functools import cache, partial

import pandas as pd

from mdhr.reporting.finished_runs import TRAIN_SUFFIX
from mdhr.reporting.people_metrics import subject_auc, subject_group
from mdhr.reporting.tables.significance import holm, paired_test, subject_pairs, subject_result

FIRST = "mdhr"
_RUN = ["fold", "seed"]


def transfer_tests(runs: pd.DataFrame, folds: Sequence[int]) -> pd.DataFrame:
    """Return one row per other network, training suffix and tested group; no rows without a network to compare with.

    Columns: ``comparison``, ``train_suffix``, ``tested_on``, the fields of
    :class:`~mdhr.reporting.tables.significance.PairedTest`, and ``p_holm``, adjusted over all rows.

    Raises ``InputError`` if two runs of the same fold and seed were tested on different frames.
    """
    result = cache(partial(subject_result, metric=subject_auc))
    rows = []
    for suffix, group in runs[runs["fold"].isin(folds)].groupby(TRAIN_SUFFIX):
        networks = {str(name): own.set_index(_RUN)["folder"] for name, own in group.groupby("network")}
        if FIRST not in networks:
            continue
        first = networks.pop(FIRST)
        for name, second in networks.items():
            common = first.index.intersection(second.index)
            pairs = subject_pairs(zip(first.loc[common], second.loc[common], strict=True), result)
            for tested_on, own in pairs.groupby(subject_group):
                row = {"comparison": f"{FIRST} vs {name}", TRAIN_SUFFIX: suffix, "tested_on": tested_on}
                rows.append(row | asdict(paired_test(own["first"].to_numpy(), own["second"].to_numpy())))
    tests = pd.DataFrame(rows)
    return tests.assign(p_holm=holm(tests["p"])) if len(tests) else tests
