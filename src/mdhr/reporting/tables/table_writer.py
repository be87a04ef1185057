"""A table from finished runs: ``mdhr table table=3 [data=bp4d]``, see ``conf/table.yaml``.

Leaves ``table.csv`` (all digits), ``table.md``, ``table.tex`` and pictures in ``out``. Trains nothing: ``make table-3``
makes the runs that are missing, then this.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

from mdhr.data.provenance import INCOMPLETE
from mdhr.errors import IncompleteError, InputError
from mdhr.reporting.finished_runs import read_runs
from mdhr.reporting.tables.ablation import TABLE_6
from mdhr.reporting.tables.comparison import write_comparison
from mdhr.reporting.tables.complexity_table import write_complexity_table
from mdhr.reporting.tables.me_graphau import ME_GRAPHAU
from mdhr.reporting.tables.sweep import SWEEPS, write_sweep


class _Table(NamedTuple):
    name: str
    """Its folder in ``experiments/`` and its target in the Makefile."""
    write: Callable[[DictConfig], Path]


def tables(cfg: DictConfig) -> Path:
    """Write the table, print it, and return its ``table.md``.

    Raises ``InputError`` if there is no such table, if it has no runs, or if they do not belong together, and
    ``IncompleteError`` when it is written but lacks runs.
    """
    table = None if OmegaConf.is_missing(cfg, "table") else cfg.table
    if table not in _TABLES:
        raise InputError(f"table={table or '...'}: choose one of {', '.join(map(str, _TABLES))}")
    cfg.name = _TABLES[table].name
    try:
        page = _TABLES[table].write(cfg)
    except OSError as error:
        raise InputError(f"cannot write to {cfg.out}: {error.strerror}; choose another out") from error
    text = page.read_text()
    print(f"{text}\nthe table is in {page}")
    lacking = next((line for line in text.splitlines() if INCOMPLETE in line), None)
    if lacking is not None:
        raise IncompleteError(f"{page} is {lacking.removeprefix('- ')}")
    return page


def _of_runs(write: Callable[..., Path], cfg: DictConfig, **what: Any) -> Path:
    return write(read_runs(Path(cfg.runs)), Path(cfg.out), **what, folds=list(cfg.folds), command=cfg.command)


def _complexity_table(cfg: DictConfig) -> Path:
    return write_complexity_table(Path(cfg.out), command=cfg.command)


_TABLES: dict[int | str, _Table] = {
    **{n: _Table(f"table-{n}", partial(_of_runs, write_sweep, sweep=sweep)) for n, sweep in SWEEPS.items()},
    5: _Table("table-5", _complexity_table),
    6: _Table("table-6", partial(_of_runs, write_comparison, comparison=TABLE_6)),
    "me_graphau": _Table("me-graphau", partial(_of_runs, write_comparison, comparison=ME_GRAPHAU)),
}
