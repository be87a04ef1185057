"""Comparison of networks over finished runs: mean F1 and paired t-tests.

Two variants are compared over the folds and seeds that both have. The tests read ``predictions.parquet`` of each run;
pairs are defined in ``mdhr.reporting.tables.significance``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, partial

import pandas as pd

from mdhr.reporting.finished_runs import check_one_recipe
from mdhr.reporting.tables.significance import holm, paired_test, subject_f1, subject_pairs, subject_result

PAPER_K, PAPER_LAMBDA = 5, 0.01
"""The paper's k (for networks that have one) and lambda."""

SUBJECTS, ACTION_UNITS = "subjects", "action units"
UNITS = {SUBJECTS: math.nan, "subjects, 0/0 as 0": 0.0, "subjects, 0/0 as 1": 1.0, ACTION_UNITS: math.nan}
"""Unit of a pair and, for subjects, the value of an F1 of 0 / 0 (NaN: excluded)."""


@dataclass(frozen=True)
class Comparison:
    """Definition of a comparison table."""

    name: str
    subject: str
    """Continues the title after ``name`` and after "F1 of"."""
    variants: Mapping[str, tuple[str, float]]
    """Choice of ``conf/network`` and lambda by variant; k is ``PAPER_K`` where the network has one."""
    tests: Sequence[str]
    """Pairs of variants, ``first vs second``."""
    settings: str
    """Note about k, lambda and training."""
    paper: str
    """Note about the numbers of the paper."""
    paper_p: Mapping[str, float] = field(default_factory=dict)
    """p of the tests that the paper reports."""


def variant_runs(runs: pd.DataFrame, comparison: Comparison) -> dict[str, pd.DataFrame]:
    """Return the finished runs of each variant by fold and seed; empty for a variant without runs.

    Raises ``InputError`` if the runs do not share one recipe.
    """
    same_k = runs[(runs["k"] == PAPER_K) | runs["k"].isna()]
    variants = {
        name: same_k[(same_k["network"] == network) & (same_k["region_weight"] == weight)].set_index(["fold", "seed"])
        for name, (network, weight) in comparison.variants.items()
    }
    if any(map(len, variants.values())):
        check_one_recipe(pd.concat(variants.values()))
    return variants


def comparison_table(runs: pd.DataFrame, folds: Sequence[int] = (1, 2, 3), *, comparison: Comparison) -> pd.DataFrame:
    """Return one row per variant.

    Columns: ``seeds`` (number of seeds with all ``folds``), ``runs`` (number of finished runs), ``f1_mean`` (over folds,
    then seeds), ``f1_sd`` (standard deviation over seeds of the mean over folds; NaN for fewer than two), the F1 of each
    action unit, and its standard deviation over seeds, ``sd_AU1``, .... F1 is in [0, 1].

    F1 is NaN if no seed has all folds: folds differ more than variants, so a mean over fewer folds is not comparable.
    """
    rows = {}
    for name, own in variant_runs(runs, comparison).items():
        values = own.loc[own.index.isin(folds, level="fold"), ["f1_mean", *f1_columns(runs)]]
        by_seed = values.groupby("seed").mean()[values.groupby("seed").size() == len(folds)]
        counts = {"seeds": len(by_seed), "runs": len(own), "f1_mean": math.nan, "f1_sd": by_seed["f1_mean"].std()}
        deviation = by_seed.drop(columns="f1_mean").std()
        rows[name] = {**counts, **by_seed.mean(), **deviation.rename(lambda column: column.replace("f1_", "sd_"))}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("variant")


def comparison_tests(runs: pd.DataFrame, *, comparison: Comparison) -> pd.DataFrame:
    """Return one row per test and unit of pairs.

    Columns: ``comparison``, ``unit``, ``runs`` (number of common runs), those of
    :class:`mdhr.reporting.tables.significance.PairedTest`, ``p_holm`` (adjusted over the tests of that unit), ``paper_p``
    and ``undefined`` (the reason if there is no p).

    Raises ``InputError`` if predictions are missing or if two runs were tested on different frames.
    """
    variants = variant_runs(runs, comparison)
    thresholds = {row.folder: row.threshold for own in variants.values() for row in own.itertuples()}
    result = cache(lambda folder: subject_result(folder, partial(subject_f1, threshold=thresholds[folder])))
    rows = []
    for name in comparison.tests:
        first, second = name.split(" vs ")
        common = variants[first].index.intersection(variants[second].index)
        folders = list(zip(*(variants[variant].loc[common, "folder"] for variant in (first, second)), strict=True))
        for unit, undefined in UNITS.items():
            pairs = (
                _action_unit_pairs(variants[first], variants[second], common)
                if unit == ACTION_UNITS
                else subject_pairs(folders, result, undefined=undefined)
            )
            found = paired_test(pairs["first"].to_numpy(), pairs["second"].to_numpy())
            missing = [variant for variant in (first, second) if variants[variant].empty]
            reason = f"no runs: {', '.join(missing)}" if missing else found.undefined
            rows.append({"comparison": name, "unit": unit, "runs": len(common), **asdict(found),
                         "paper_p": comparison.paper_p.get(name, math.nan), "undefined": reason})  # fmt: skip
    tests = pd.DataFrame(rows)
    tests.insert(tests.columns.get_loc("p") + 1, "p_holm", tests.groupby("unit")["p"].transform(holm))
    return tests


def f1_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns with the F1 of single action units."""
    return [column for column in table if str(column).startswith("f1_AU")]


def _action_unit_pairs(first: pd.DataFrame, second: pd.DataFrame, common: pd.Index) -> pd.DataFrame:
    """Return the mean F1 of each action unit over seeds, then folds, for both variants."""
    means = [own.loc[common, f1_columns(own)].groupby("fold").mean().mean() for own in (first, second)]
    return pd.DataFrame(dict(zip(("first", "second"), means, strict=True)))
