"""Networks side by side, with paired t-tests: Table 6, and ME-GraphAU against MDHR.

Everything starts from finished runs (``mdhr.reporting.finished_runs.read_runs``); the tests read the ``predictions.parquet`` beside
each. Two variants are compared over the folds and seeds that both have. What a pair is: ``mdhr.reporting.tables.significance``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from mdhr.data.provenance import INCOMPLETE, PROTOCOLS, RENDERED, is_rendered
from mdhr.errors import InputError
from mdhr.files.atomic import write_bytes, write_text
from mdhr.files.text_tables import latex_tables, markdown_page, p_value, percent
from mdhr.reporting.figures.au_bars import plot_au_bars
from mdhr.reporting.finished_runs import check_one_recipe, short_commits
from mdhr.reporting.tables.significance import frames_fingerprint, holm, paired_subjects, paired_test, subject_f1

K, REGION_WEIGHT = 5, 0.01
"""The paper's k, for every network that has one, and its lambda."""

SUBJECTS, ACTION_UNITS = "subjects", "action units"
UNITS = {SUBJECTS: math.nan, "subjects, 0/0 as 0": 0.0, "subjects, 0/0 as 1": 1.0, ACTION_UNITS: math.nan}
"""What a pair is, and for subjects the value of an F1 of 0 / 0 (NaN: left out)."""


@dataclass(frozen=True)
class Comparison:
    """What a table compares, and what it says of it."""

    name: str
    subject: str
    """Goes on where the name ends, and after "F1 of"."""
    variants: Mapping[str, tuple[str, float]]
    """Choice of ``conf/network`` and lambda; its k is ``K`` where it has one."""
    tests: Sequence[str]
    """Two variants each, ``first vs second``."""
    settings: str
    """What the notes say of k, lambda and training."""
    paper: str
    """What the notes say of the paper's numbers."""
    paper_p: Mapping[str, float] = field(default_factory=dict)
    """The paper's p of the tests that it has made."""


class _System(NamedTuple):
    """What a test needs to know of a run."""

    f1: pd.DataFrame
    frames: tuple[int, int]


def variant_runs(runs: pd.DataFrame, comparison: Comparison) -> dict[str, pd.DataFrame]:
    """The finished runs of every variant, by fold and seed; an empty table for one that was not run.

    Raises ``InputError`` if they do not belong together.
    """
    same_k = runs[(runs["k"] == K) | runs["k"].isna()]
    variants = {
        name: same_k[(same_k["network"] == network) & (same_k["region_weight"] == weight)].set_index(["fold", "seed"])
        for name, (network, weight) in comparison.variants.items()
    }
    if any(map(len, variants.values())):
        check_one_recipe(pd.concat(variants.values()))
    return variants


def comparison_table(runs: pd.DataFrame, folds: Sequence[int] = (1, 2, 3), *, comparison: Comparison) -> pd.DataFrame:
    """One row a variant: ``seeds`` (that have all ``folds``), ``runs`` (that have ended), ``f1_mean`` (over folds, then
    seeds), ``f1_sd`` (over seeds, of the mean over folds; NaN for fewer than two), then F1 of every action unit.

    NaN where no seed has all folds: folds differ more than variants do, so a mean over fewer is no substitute.
    """
    rows = {}
    for name, own in variant_runs(runs, comparison).items():
        values = own.loc[own.index.isin(folds, level="fold"), ["f1_mean", *_f1_columns(runs)]]
        by_seed = values.groupby("seed").mean()[values.groupby("seed").size() == len(folds)]
        counts = {"seeds": len(by_seed), "runs": len(own), "f1_mean": math.nan, "f1_sd": by_seed["f1_mean"].std()}
        rows[name] = {**counts, **by_seed.mean()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("variant")


def comparison_tests(runs: pd.DataFrame, *, comparison: Comparison) -> pd.DataFrame:
    """One row a test and unit: ``comparison``, ``unit``, ``runs`` (that both have), ``pairs``, ``difference``,
    ``low``, ``high``, ``t``, ``p``, ``effect``, ``p_holm`` (among the comparisons of that unit), ``paper_p``,
    ``in_words`` (why there is no p)."""
    variants = variant_runs(runs, comparison)
    systems: dict[str, _System] = {}
    rows = []
    for name in comparison.tests:
        first, second = name.split(" vs ")
        common = variants[first].index.intersection(variants[second].index)
        for unit, undefined in UNITS.items():
            pairs = (
                _action_unit_pairs(variants[first], variants[second], common)
                if unit == ACTION_UNITS
                else _subject_pairs(variants[first], variants[second], common, undefined=undefined, systems=systems)
            )
            found = paired_test(pairs["first"].to_numpy(), pairs["second"].to_numpy())
            missing = [variant for variant in (first, second) if variants[variant].empty]
            words = f"not run: {', '.join(missing)}" if missing else found.in_words
            rows.append({"comparison": name, "unit": unit, "runs": len(common), **asdict(found),
                         "paper_p": comparison.paper_p.get(name, math.nan), "in_words": words})  # fmt: skip
    tests = pd.DataFrame(rows)
    tests.insert(tests.columns.get_loc("p") + 1, "p_holm", tests.groupby("unit")["p"].transform(holm))
    return tests


def write_comparison(
    runs: pd.DataFrame, out: Path, *, comparison: Comparison, folds: Sequence[int] = (1, 2, 3), command: str
) -> Path:
    """Write ``table.csv``, ``tests.csv``, ``table.md``, ``table.tex`` and, if there are bars to draw, ``au_bars.png``.

    Parameters
    ----------
    command: what makes it again; the notes name it.

    Returns ``table.md``. Raises ``InputError`` if no variant was run, or if the runs do not belong together.
    """
    table = comparison_table(runs, folds, comparison=comparison)
    tests = comparison_tests(runs, comparison=comparison)
    if not table["runs"].any():
        networks = ", ".join(sorted({network for network, _ in comparison.variants.values()}))
        raise InputError(f"none of the runs is one of {comparison.name}: it needs k={K} and network={networks}")
    own = pd.concat(variant_runs(runs, comparison).values())
    data, protocol = own["data"].iloc[0], own["protocol"].iloc[0]
    title = f"{comparison.name}, {comparison.subject}: {data}, F1 in %"
    notes = [*_notes(own.reset_index(), table, folds, comparison), f"command: `{command}`"]
    shown = (_shown_table(table), _shown_tests(tests))
    out.mkdir(parents=True, exist_ok=True)
    labels = {"data": data, "protocol": protocol, "folds": " ".join(map(str, folds)),
              "git_commit": " ".join(short_commits(own)), "command": command}  # fmt: skip
    write_text(out / "table.csv", table.assign(**labels).to_csv())
    write_text(out / "tests.csv", tests.assign(**labels).to_csv(index=False))
    write_text(out / "table.md", markdown_page(*shown, title=title, notes=notes))
    write_text(out / "table.tex", latex_tables(*shown, title=title, notes=notes))
    f1 = table.loc[table["seeds"] > 0, ["f1_mean", *_f1_columns(runs)]]
    note = f"Mean over folds {', '.join(map(str, folds))} and over seeds; {PROTOCOLS[protocol]}" + (
        f"\n{RENDERED}" if is_rendered(data) else ""
    )
    if len(f1):  # else no variant has all folds yet
        picture = BytesIO()
        plot_au_bars(f1, title=f"F1 of {comparison.subject}: {data}", note=note).savefig(picture)
        write_bytes(out / "au_bars.png", picture.getvalue())
    return out / "table.md"


def _subject_pairs(
    first: pd.DataFrame, second: pd.DataFrame, common: pd.Index, *, undefined: float, systems: dict[str, _System]
) -> pd.DataFrame:
    """Mean F1 of every subject, ``first`` beside ``second``, over seeds; ``systems`` remembers what was read."""
    parts = []
    for run in common:
        folders = [str(variant.loc[run, "folder"]) for variant in (first, second)]
        for folder in folders:
            if folder not in systems:
                systems[folder] = _read(Path(folder), first.loc[run, "threshold"])
        a, b = (systems[folder] for folder in folders)
        if a.frames != b.frames:
            raise InputError(
                f"{folders[0]} and {folders[1]} were not tested on the same {a.frames[0]} frames with the same labels: "
                "the data was prepared anew between them; run one of them again"
            )
        parts.append(paired_subjects(a.f1, b.f1, undefined=undefined))
    if not parts:
        return pd.DataFrame({"first": [], "second": []})
    return pd.concat(parts).groupby("subject").mean()


def _read(folder: Path, threshold: float) -> _System:
    try:
        predictions = pd.read_parquet(folder / "predictions.parquet")
    except FileNotFoundError as error:
        raise InputError(f"{folder} has no predictions.parquet: remove the folder and run it again") from error
    return _System(subject_f1(predictions, threshold=threshold), frames_fingerprint(predictions))


def _action_unit_pairs(first: pd.DataFrame, second: pd.DataFrame, common: pd.Index) -> pd.DataFrame:
    """Mean F1 of every action unit over seeds, then folds, ``first`` beside ``second``."""
    means = [own.loc[common, _f1_columns(own)].groupby("fold").mean().mean() for own in (first, second)]
    return pd.DataFrame(dict(zip(("first", "second"), means, strict=True)))


def _shown_table(table: pd.DataFrame) -> pd.DataFrame:
    shown = pd.DataFrame({"variant": table.index})
    for column in _f1_columns(table):
        shown[column.removeprefix("f1_")] = [percent(value) for value in table[column]]
    means = zip(table["f1_mean"], table["f1_sd"], strict=True)
    return shown.assign(**{"mean": [percent(*each) for each in means], "runs": [f"{n}" for n in table["runs"]]})


def _shown_tests(tests: pd.DataFrame) -> pd.DataFrame:
    """Subjects, and the p of action units beside them."""
    by_unit: Mapping[str, pd.DataFrame] = {u: part.reset_index(drop=True) for u, part in tests.groupby("unit")}
    own, aus = by_unit[SUBJECTS], by_unit[ACTION_UNITS]
    intervals = zip(own["low"], own["high"], strict=True)
    shown = pd.DataFrame(
        {
            "comparison": own["comparison"],
            "pairs": [str(n) for n in own["pairs"]],
            "difference, points": [percent(value) for value in own["difference"]],
            "95 % interval": [f"{percent(low)} to {percent(high)}" for low, high in intervals],
            "t": ["-" if math.isnan(t) else f"{t:.2f}" for t in own["t"]],
            "d_z": ["-" if math.isnan(d) else f"{d:.2f}" for d in own["effect"]],
            "p": [words or p_value(p) for p, words in zip(own["p"], own["in_words"], strict=True)],
            "p, Holm": [p_value(p) for p in own["p_holm"]],
            "p of AU pairs": [p_value(p) for p in aus["p"]],
            "p of AU pairs, Holm": [p_value(p) for p in aus["p_holm"]],
            "p in the paper": [p_value(p) for p in own["paper_p"]],
        }
    )
    return shown if own["paper_p"].notna().any() else shown.drop(columns="p in the paper")


def _notes(own: pd.DataFrame, table: pd.DataFrame, folds: Sequence[int], comparison: Comparison) -> list[str]:
    """What has to be said beneath the table of the runs ``own``."""
    data, protocol, seeds = own["data"].iloc[0], own["protocol"].iloc[0], sorted(own["seed"].unique())
    most = len(folds) * len(seeds)
    short = [f"{name} ({n} of {most} runs)" for name, n in table["runs"].items() if n < most]
    notes = [
        f"{data}; {PROTOCOLS[protocol]}; folds {', '.join(map(str, folds))}; code at {', '.join(short_commits(own))}",
        f"F1: mean over folds, then over the seeds (of {', '.join(map(str, seeds))}) that have all of them; "
        "±: standard deviation over seeds of the mean over folds, where there are two",
        comparison.settings,
        "Pairs are subjects, each tested in one fold, averaged over seeds; a subject's value is the mean over action "
        "units of F1 over all of the subject's frames, without those that neither a label nor a prediction has. "
        "Difference and interval in points of F1; d_z: mean difference over its standard deviation",
        f"Holm: over the {len(comparison.tests)} comparisons. "
        "tests.csv has all digits, and tests with F1 of 0/0 as 0 and 1",
        comparison.paper,
    ]
    if short:
        notes.insert(1, f"{INCOMPLETE}: {', '.join(short)}; comparisons are over the runs that both have")
    return [*notes, RENDERED] if is_rendered(str(data)) else notes


def _f1_columns(table: pd.DataFrame) -> list[str]:
    return [column for column in table if str(column).startswith("f1_AU")]
