"""Tables 3 and 4: F1 of MDHR over k and over lambda, next to the paper's curve."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mdhr.data.provenance import INCOMPLETE, RENDERED, is_rendered
from mdhr.errors import InputError
from mdhr.files.atomic import write_text
from mdhr.files.text_tables import latex_tables, markdown_page, percent
from mdhr.reporting.figures.sweep_curve import plot_sweep
from mdhr.reporting.figures.titled_figure import write_figure
from mdhr.reporting.finished_runs import check_one_recipe, provenance_note, short_commits
from mdhr.reporting.paper_results import paper_results


@dataclass(frozen=True)
class Sweep:
    """A table of the paper's supplement over one hyperparameter; the others have the values of the paper."""

    table: int
    column: str
    """Column of ``read_runs`` with the varied hyperparameter."""
    symbol: str
    fixed: Mapping[str, Any]
    paper: str
    """Key of the paper's curve in ``paper_results.yaml``: a list ``symbol`` and a list ``f1`` in percent."""

    @property
    def paper_f1(self) -> pd.Series:
        """The paper's F1 in [0, 1] by value."""
        curve = paper_results()[self.paper]
        return pd.Series(curve["f1"], index=pd.Index(curve[self.symbol], name=self.symbol), name="paper_f1") / 100


SWEEPS = {
    3: Sweep(3, "k", "k", {"network": "mdhr", "region_weight": 0.01}, "table3_k"),
    4: Sweep(4, "region_weight", "lambda", {"network": "mdhr", "k": 5}, "table4_lambda"),
}


def sweep_runs(runs: pd.DataFrame, sweep: Sweep) -> pd.DataFrame:
    """Return the runs of a sweep; raises ``InputError`` if there are none or if they do not share one recipe."""
    own = runs[runs[sweep.column].isin(sweep.paper_f1.index)]
    for column, value in sweep.fixed.items():
        own = own[own[column] == value]
    if own.empty:
        fixed = ", ".join(f"{column}={value}" for column, value in sweep.fixed.items())
        raise InputError(
            f"no finished run for Table {sweep.table}: expected runs with {fixed}. "
            f"Run `make table-{sweep.table}` or set runs to another folder."
        )
    check_one_recipe(own)
    return own


def seed_means(runs: pd.DataFrame, sweep: Sweep, folds: Sequence[int]) -> pd.DataFrame:
    """Return the mean F1 over ``folds``; rows are the paper's values of the hyperparameter, columns are seeds.

    NaN if a fold is missing: folds differ more than values, so a mean over fewer folds is not comparable.
    """
    own = sweep_runs(runs, sweep)
    table = own.pivot(index=[sweep.column, "seed"], columns="fold", values="f1_mean").reindex(columns=list(folds))
    return table.mean(axis=1, skipna=False).unstack("seed").reindex(sweep.paper_f1.index)


def common_seeds(by_seed: pd.DataFrame) -> pd.DataFrame:
    """Keep the seeds that are available for every evaluated value; keep all seeds if there is none.

    The seed changes F1 as much as a step of the hyperparameter, so means over different seeds are not comparable.
    """
    common = by_seed.columns[by_seed.dropna(how="all").notna().all()]
    return by_seed[common] if len(common) else by_seed


def sweep_table(runs: pd.DataFrame, sweep: Sweep, folds: Sequence[int]) -> pd.DataFrame:
    """Return one row per value of the hyperparameter, F1 in [0, 1].

    Columns: ``f1_mean`` (over folds, then seeds), ``f1_sd`` (standard deviation over seeds of the mean over folds; NaN
    for fewer than two), ``seeds`` (number of :func:`common_seeds`), ``runs`` (number of finished runs), ``paper_f1``, and
    the mean F1 of each action unit.
    """
    own, by_seed = sweep_runs(runs, sweep), common_seeds(seed_means(runs, sweep, folds))
    complete = by_seed.rename_axis(index=sweep.column).stack().dropna().index
    counted = own.set_index([sweep.column, "seed"]).loc[complete]
    counted = counted[counted["fold"].isin(folds)]
    aus = [column for column in own if column.startswith("f1_AU")]
    return pd.DataFrame(
        {
            "f1_mean": by_seed.mean(axis=1),
            "f1_sd": by_seed.std(axis=1),
            "seeds": by_seed.notna().sum(axis=1),
            "runs": own.groupby(sweep.column).size().reindex(by_seed.index, fill_value=0),
            "paper_f1": sweep.paper_f1,
            **counted.groupby(level=0)[aus].mean(),
        }
    ).rename_axis(sweep.symbol)


def write_sweep(runs: pd.DataFrame, out: Path, *, sweep: Sweep, folds: Sequence[int], command: str) -> Path:
    """Write ``table.csv``, ``table.md``, ``table.tex`` and ``curve.png`` into ``out``; return ``table.md``.

    Args:
        command: command that reproduces the files, for the notes.

    Raises ``InputError`` if there are no runs or if they do not share one recipe.
    """
    own = sweep_runs(runs, sweep)
    table, by_seed = sweep_table(runs, sweep, folds), seed_means(runs, sweep, folds)
    used = common_seeds(by_seed)
    data, protocol = own["data"].iloc[0], own["protocol"].iloc[0]
    title = f"Table {sweep.table}, F1 over {sweep.symbol}: {data}, F1 in %"
    notes = [*sweep_notes(own, table, by_seed, sweep, folds), f"command: `{command}`"]
    labels = {"data": data, "protocol": protocol, "folds": " ".join(map(str, folds)),
              "seed_numbers": " ".join(map(str, used.columns)),
              "git_commit": " ".join(short_commits(own)), "command": command}  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    shown = _shown(table)
    write_text(out / "table.csv", table.assign(**labels).to_csv())
    write_text(out / "table.md", markdown_page(shown, title=title, notes=notes))
    write_text(out / "table.tex", latex_tables(shown, title=title, notes=notes))
    write_figure(out / "curve.png", plot_sweep(
        used, sweep.paper_f1, title=f"F1 over {sweep.symbol}", ours=_panel_label(own, folds),
        paper_label=f"paper ({paper_results()['source']}): BP4D, protocol paper"))  # fmt: skip
    return out / "table.md"


def sweep_notes(
    own: pd.DataFrame, table: pd.DataFrame, by_seed: pd.DataFrame, sweep: Sweep, folds: Sequence[int]
) -> list[str]:
    """Return the notes below the table: provenance, definition of the columns, and range compared with seed noise."""
    data, symbol = own["data"].iloc[0], sweep.symbol
    ours, paper = table["f1_mean"].dropna(), table["paper_f1"]
    short = [f"{value:g}" for value, n in table["seeds"].items() if not n]
    seeds = ", ".join(map(str, common_seeds(by_seed).columns))
    notes = [
        provenance_note(own, folds),
        f"F1: mean over folds, then over the seeds that all values have ({seeds}); "
        "±: standard deviation over seeds of the mean over folds, for two or more seeds",
        f"network: MDHR with {', '.join(f'{key} = {value}' for key, value in _other_settings(sweep).items())}",
        f"paper: {paper_results()['source']}, BP4D, ResNet-50, protocol paper; its best {symbol} is {paper.idxmax():g} "
        f"and its range is {percent(paper.max() - paper.min())} points",
    ]
    if len(ours):
        spread = by_seed.std(axis=1).dropna()
        where = f" ({symbol} = {', '.join(f'{value:g}' for value in spread.index)})" if len(spread) < len(ours) else ""
        noise = f"; standard deviation over seeds: {percent(spread.mean())} points{where}" if len(spread) else ""
        notes.append(
            f"ours: the best {symbol} is {ours.idxmax():g} and the range is {percent(ours.max() - ours.min())} points{noise}"
        )
    if short:
        notes.insert(1, f"{INCOMPLETE}: no seed has all folds for {symbol} = {', '.join(short)}")
    return [*notes, f"{RENDERED}; compare only the shapes of the curves"] if is_rendered(data) else notes


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    ours = [percent(*each) for each in zip(table["f1_mean"], table["f1_sd"], strict=True)]
    shown = pd.DataFrame({table.index.name: [f"{value:g}" for value in table.index], "F1": ours})
    for column in ("seeds", "runs"):
        shown[column] = table[column].map(str).tolist()
    return shown.assign(**{"paper F1, BP4D": table["paper_f1"].map(percent).tolist()})


def _other_settings(sweep: Sweep) -> dict[str, Any]:
    return {{"region_weight": "lambda"}.get(key, key): value for key, value in sweep.fixed.items() if key != "network"}


def _panel_label(own: pd.DataFrame, folds: Sequence[int]) -> str:
    """Return the caption of our panel, two lines."""
    data, protocol = own["data"].iloc[0], own["protocol"].iloc[0]
    name = f"{data} (rendered faces, not BP4D)" if is_rendered(data) else data
    return f"ours: {name}, protocol {protocol}\nfolds {', '.join(map(str, folds))}"
