"""Tables 3 and 4: F1 of the whole network over k, and over lambda, with the paper's curve beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from mdhr.data.provenance import INCOMPLETE, PROTOCOLS, RENDERED, is_rendered
from mdhr.errors import InputError
from mdhr.files.atomic import write_bytes, write_text
from mdhr.files.text_tables import latex_tables, markdown_page, percent
from mdhr.reporting.figures.sweep_curve import plot_sweep
from mdhr.reporting.finished_runs import check_one_recipe, short_commits
from mdhr.reporting.paper_results import paper_results


@dataclass(frozen=True)
class Sweep:
    """A table of the paper's supplement over one setting, the others as they are in the paper."""

    table: int
    column: str
    """Of ``read_runs``: the setting that is varied."""
    symbol: str
    fixed: Mapping[str, Any]
    paper: str
    """The paper's curve in ``paper_results.yaml``: a list ``symbol`` and a list ``f1``, in percent."""

    @property
    def paper_f1(self) -> pd.Series:
        """By value, 0 to 1."""
        curve = paper_results()[self.paper]
        return pd.Series(curve["f1"], index=pd.Index(curve[self.symbol], name=self.symbol), name="paper_f1") / 100


SWEEPS = {
    3: Sweep(3, "k", "k", {"network": "mdhr", "region_weight": 0.01}, "table3_k"),
    4: Sweep(4, "region_weight", "lambda", {"network": "mdhr", "k": 5}, "table4_lambda"),
}


def sweep_runs(runs: pd.DataFrame, sweep: Sweep) -> pd.DataFrame:
    """The runs that the table is of.

    Raises ``InputError`` if there are none, or if they do not belong together.
    """
    own = runs[runs[sweep.column].isin(sweep.paper_f1.index)]
    for column, value in sweep.fixed.items():
        own = own[own[column] == value]
    if own.empty:
        fixed = ", ".join(f"{column}={value}" for column, value in sweep.fixed.items())
        raise InputError(f"no finished run is of Table {sweep.table}, with {fixed}: make table-{sweep.table} runs them")
    check_one_recipe(own)
    return own


def seed_means(runs: pd.DataFrame, sweep: Sweep, folds: Sequence[int]) -> pd.DataFrame:
    """Mean F1 over ``folds``: rows are values of the setting, all of the paper's, columns seeds.

    NaN where a fold is missing: folds differ more than settings do, so a mean over fewer is no substitute.
    """
    own = sweep_runs(runs, sweep)
    table = own.pivot(index=[sweep.column, "seed"], columns="fold", values="f1_mean").reindex(columns=list(folds))
    return table.mean(axis=1, skipna=False).unstack("seed").reindex(sweep.paper_f1.index)


def common_seeds(by_seed: pd.DataFrame) -> pd.DataFrame:
    """Only the seeds that all values have which have any; as it is where there is no such seed.

    A seed moves F1 by as much as a step of the setting, so means over different seeds are no curve.
    """
    common = by_seed.columns[by_seed.dropna(how="all").notna().all()]
    return by_seed[common] if len(common) else by_seed


def sweep_table(runs: pd.DataFrame, sweep: Sweep, folds: Sequence[int]) -> pd.DataFrame:
    """One row a value of the setting: ``f1_mean`` (over folds, then seeds), ``f1_sd`` (over seeds, of the mean over
    folds; NaN for fewer than two), ``seeds`` (:func:`common_seeds`), ``runs`` (that have ended), ``paper_f1``,
    then mean F1 of every action unit. All 0 to 1.
    """
    own, by_seed = sweep_runs(runs, sweep), common_seeds(seed_means(runs, sweep, folds))
    whole = by_seed.rename_axis(index=sweep.column).stack().dropna().index
    counted = own.set_index([sweep.column, "seed"]).loc[whole]
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

    Parameters
    ----------
    command: what makes it again; the notes name it.

    Raises ``InputError`` if there are no runs of it, or if they do not belong together.
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
    picture = BytesIO()
    plot_sweep(used, sweep.paper_f1, title=f"F1 over {sweep.symbol}", ours=_ours(own, folds),
               paper_label=f"the paper ({paper_results()['source']}): BP4D, protocol paper",
               ).savefig(picture)  # fmt: skip
    write_bytes(out / "curve.png", picture.getvalue())
    return out / "table.md"


def sweep_notes(
    own: pd.DataFrame, table: pd.DataFrame, by_seed: pd.DataFrame, sweep: Sweep, folds: Sequence[int]
) -> list[str]:
    """What has to be said beneath the table, and how far its differences may be trusted."""
    data, protocol, symbol = own["data"].iloc[0], own["protocol"].iloc[0], sweep.symbol
    ours, paper = table["f1_mean"].dropna(), table["paper_f1"]
    short = [f"{value:g}" for value, n in table["seeds"].items() if not n]
    notes = [
        f"{data}; {PROTOCOLS[protocol]}; folds {', '.join(map(str, folds))}; code at {', '.join(short_commits(own))}",
        f"F1: mean over folds, then over seeds: {', '.join(map(str, common_seeds(by_seed).columns))}, those that all "
        "have; ±: standard deviation over seeds of the mean over folds, where there are two",
        f"the network is MDHR with {', '.join(f'{key} = {value}' for key, value in _other(sweep).items())}",
        f"the paper's column: {paper_results()['source']}, BP4D, ResNet-50, protocol paper. Its best {symbol} is "
        f"{paper.idxmax():g}, its curve spans {percent(paper.max() - paper.min())} points",
    ]
    if len(ours):
        spread = by_seed.std(axis=1).dropna()
        where = f" ({symbol} = {', '.join(f'{value:g}' for value in spread.index)})" if len(spread) < len(ours) else ""
        noise = f"; the seed alone moves a point of it by ± {percent(spread.mean())}{where}" if len(spread) else ""
        notes.append(
            f"our best {symbol} is {ours.idxmax():g}, our curve spans {percent(ours.max() - ours.min())} points{noise}"
        )
    if short:
        notes.insert(1, f"{INCOMPLETE}: no seed has all folds for {symbol} = {', '.join(short)}")
    return (
        [*notes, f"{RENDERED}; the paper's column is there for the shape of its curve"] if is_rendered(data) else notes
    )


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    ours = [percent(*each) for each in zip(table["f1_mean"], table["f1_sd"], strict=True)]
    shown = pd.DataFrame({table.index.name: [f"{value:g}" for value in table.index], "F1": ours})
    for column in ("seeds", "runs"):
        shown[column] = table[column].map(str).tolist()
    return shown.assign(**{"the paper's F1, BP4D": table["paper_f1"].map(percent).tolist()})


def _other(sweep: Sweep) -> dict[str, Any]:
    return {{"region_weight": "lambda"}.get(key, key): value for key, value in sweep.fixed.items() if key != "network"}


def _ours(own: pd.DataFrame, folds: Sequence[int]) -> str:
    """What our panel is of, in two lines."""
    data, protocol = own["data"].iloc[0], own["protocol"].iloc[0]
    what = f"{data} (rendered faces, not BP4D)" if is_rendered(data) else data
    return f"ours: {what}, protocol {protocol}\nfolds {', '.join(map(str, folds))}"
