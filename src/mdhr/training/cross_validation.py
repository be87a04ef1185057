"""All folds and one table: ``mdhr cross-validate experiment=...``, see ``conf/cross_validate.yaml``.

Every fold is a run of ``mdhr train`` in ``run_dir/fold<k>``. One that is done is not run again and an interrupted one
goes on, so the folds may also be run one at a time, or each on its own machine (``folds=[2]``), and collected by the
command for all of them. Leaves ``table.csv`` and ``table.md``.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from mdhr.action_units import action_unit_set
from mdhr.config.signals import Interrupted, stop_on_signals
from mdhr.config.validation import validate
from mdhr.data.provenance import is_rendered
from mdhr.errors import DivergedError, InputError
from mdhr.files.atomic import write_text
from mdhr.reporting.paper_results import PaperRow, paper_row
from mdhr.reporting.tables.fold_table import as_markdown, as_terminal_table, fold_notes, fold_table, fold_title
from mdhr.training.run_folder import run_state
from mdhr.training.training_run import train

_WILL = {"new": "begins", "begun": "goes on where it was"}


def cross_validate(cfg: DictConfig) -> pd.DataFrame:
    """Run what is left of the folds and return their table, see ``report.fold_table``.

    Raises ``InputError`` for wrong settings or data, also those that a fold was begun with; ``DivergedError`` when all
    is written, if a fold has no result because its loss was no number any more.
    """
    folds = fold_settings(cfg)
    paper = _paper_row(cfg)
    states = {fold: run_state(each) for fold, each in folds.items()}
    records: dict[int, dict[str, Any] | None] = {}
    try:
        with stop_on_signals():
            for fold, each in folds.items():
                if states[fold] in _WILL:  # of one that is done its run says so
                    print(f"fold {fold} {_WILL[states[fold]]}", flush=True)
                records[fold] = _train_or_none(each)
    except Interrupted as stop:
        again = " without overwrite=true" if cfg.overwrite else ""
        stop.message = f"stopped by {signal.Signals(stop.signum).name}; the same command{again} goes on from here"
        raise
    diverged = [str(fold) for fold, record in records.items() if record is None]
    if len(diverged) == len(records):
        raise DivergedError(f"no fold came to its end, there is no table: see above, and {cfg.run_dir}")
    records = dict(sorted(records.items()))
    table = fold_table(records, paper)
    if os.environ.get("LOCAL_RANK", "0") == "0":
        labels = {"data": cfg.data.name, "protocol": cfg.data.protocol, "seed": cfg.seed}
        title, notes = fold_title(cfg.name, records), fold_notes(records, paper)
        write_table(Path(cfg.run_dir), table, title=title, notes=notes, labels=labels)
    if diverged:
        raise DivergedError(f"fold {', '.join(diverged)} diverged: {cfg.run_dir}/table.md is without it")
    return table


def fold_settings(cfg: DictConfig) -> dict[int, DictConfig]:
    """The configuration of every fold's run; raises ``InputError`` if something is wrong with them."""
    if cfg.data.fold is not None:
        raise InputError(
            f"data.fold={cfg.data.fold}: the folds that are run are folds=[1,2,3], say folds=[{cfg.data.fold}]"
        )
    if cfg.ckpt_path != "auto":
        raise InputError(f"ckpt_path={cfg.ckpt_path}: folds that were begun go on by themselves, leave ckpt_path out")
    validate(OmegaConf.merge(cfg, {"data": {"fold": 1}}))  # type: ignore[arg-type]
    return {
        fold: OmegaConf.merge(  # type: ignore[misc]
            cfg, {"name": f"{cfg.name}-fold{fold}", "run_dir": f"{cfg.run_dir}/fold{fold}", "data": {"fold": fold}}
        )
        for fold in cfg.folds
    }


def write_table(run: Path, table: pd.DataFrame, *, title: str, notes: list[str], labels: dict[str, Any]) -> None:
    """``table.csv`` (all digits, and ``labels`` in every row), ``table.md``, and the terminal."""
    write_text(run / "table.csv", table.assign(**labels).to_csv(index_label="row"))
    write_text(run / "table.md", as_markdown(table, title=title, notes=notes))
    console = Console(highlight=False)
    console.print("", title, as_terminal_table(table), *notes, sep="\n")
    print(f"the table is in {run / 'table.md'} and {run / 'table.csv'}")


def _paper_row(cfg: DictConfig) -> PaperRow | None:
    """The row to compare with; rendered faces are compared with none."""
    if cfg.paper_row is None or is_rendered(cfg.data.name):
        return None
    return paper_row(**cfg.paper_row, columns=action_unit_set(cfg.data.au_set.name).columns)


def _train_or_none(cfg: DictConfig) -> dict[str, Any] | None:
    """The record of a fold; None, and a line that says why, if its loss diverged: the others are run all the same."""
    try:
        return train(cfg)
    except DivergedError as error:
        print(f"{cfg.run_dir}: {error}", file=sys.stderr, flush=True)
        return None
