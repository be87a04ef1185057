"""Files of a comparison: csv with all digits, Markdown, LaTeX and a bar chart."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from mdhr.data.provenance import INCOMPLETE, PROTOCOLS, RENDERED, is_rendered
from mdhr.errors import InputError
from mdhr.files.atomic import write_text
from mdhr.files.text_tables import latex_tables, markdown_page, p_value, percent
from mdhr.reporting.figures.au_bars import plot_au_bars
from mdhr.reporting.figures.titled_figure import write_figure
from mdhr.reporting.finished_runs import provenance_note, short_commits
from mdhr.reporting.tables.comparison import (
    ACTION_UNITS,
    PAPER_K,
    SUBJECTS,
    Comparison,
    comparison_table,
    comparison_tests,
    f1_columns,
    variant_runs,
)


def write_comparison(
    runs: pd.DataFrame, out: Path, *, comparison: Comparison, folds: Sequence[int] = (1, 2, 3), command: str
) -> Path:
    """Write ``table.csv``, ``tests.csv``, ``table.md``, ``table.tex`` and ``au_bars.png``; return ``table.md``.

    The bar chart is omitted if no variant has a seed with all folds.

    Args:
        command: command that reproduces the files, for the notes.

    Raises ``InputError`` if no variant has runs or if the runs do not share one recipe.
    """
    table = comparison_table(runs, folds, comparison=comparison)
    tests = comparison_tests(runs, comparison=comparison)
    if not table["runs"].any():
        networks = ", ".join(sorted({network for network, _ in comparison.variants.values()}))
        raise InputError(
            f"no finished run for {comparison.name}: expected runs with k={PAPER_K} and network={networks}. "
            f"Run `{command}` or set runs to another folder."
        )
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
    f1 = table.loc[table["seeds"] > 0, ["f1_mean", *f1_columns(runs)]]
    note = f"Mean over folds {', '.join(map(str, folds))} and over seeds; error bars: standard deviation over seeds"
    note += f"\n{PROTOCOLS[protocol]}" + (f"\n{RENDERED}" if is_rendered(data) else "")
    spread = table.loc[f1.index, [column for column in table if column == "f1_sd" or column.startswith("sd_")]]
    if len(f1):
        figure = plot_au_bars(
            f1,
            title=f"F1 of {comparison.subject}: {data}",
            note=note,
            spread=spread.set_axis(f1.columns, axis="columns"),
        )
        write_figure(out / "au_bars.png", figure)
    return out / "table.md"


def _shown_table(table: pd.DataFrame) -> pd.DataFrame:
    shown = pd.DataFrame({"variant": table.index})
    for column in f1_columns(table):
        shown[column.removeprefix("f1_")] = [percent(value) for value in table[column]]
    means = zip(table["f1_mean"], table["f1_sd"], strict=True)
    return shown.assign(**{"mean": [percent(*each) for each in means], "runs": [f"{n}" for n in table["runs"]]})


def _shown_tests(tests: pd.DataFrame) -> pd.DataFrame:
    """Return the tests over subjects with the p of the tests over action units."""
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
            "p": [reason or p_value(p) for p, reason in zip(own["p"], own["undefined"], strict=True)],
            "p, Holm": [p_value(p) for p in own["p_holm"]],
            "p of AU pairs": [p_value(p) for p in aus["p"]],
            "p of AU pairs, Holm": [p_value(p) for p in aus["p_holm"]],
            "paper p": [p_value(p) for p in own["paper_p"]],
        }
    )
    return shown if own["paper_p"].notna().any() else shown.drop(columns="paper p")


def _notes(own: pd.DataFrame, table: pd.DataFrame, folds: Sequence[int], comparison: Comparison) -> list[str]:
    """Return the notes below the table of the runs ``own``."""
    data, seeds = own["data"].iloc[0], sorted(own["seed"].unique())
    expected = len(folds) * len(seeds)
    short = [f"{name} ({n} of {expected} runs)" for name, n in table["runs"].items() if n < expected]
    notes = [
        provenance_note(own, folds),
        f"F1: mean over folds, then over the seeds (of {', '.join(map(str, seeds))}) with all folds; "
        "±: standard deviation over seeds of the mean over folds, for two or more seeds",
        comparison.settings,
        "Pairs are subjects, averaged over seeds; each subject is tested in one fold. The value of a subject is the mean "
        "over action units of the F1 over all of its frames, excluding action units without a positive label or "
        "prediction. Difference and interval are in points of F1; d_z is the mean difference divided by its standard "
        "deviation",
        f"Holm: adjusted over the {len(comparison.tests)} comparisons. "
        "tests.csv contains all digits and the tests with F1 of 0/0 set to 0 and to 1",
        comparison.paper,
    ]
    if short:
        notes.insert(1, f"{INCOMPLETE}: {', '.join(short)}; comparisons use the runs that both variants have")
    return [*notes, RENDERED] if is_rendered(str(data)) else notes
