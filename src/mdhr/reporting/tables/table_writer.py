"""Tables of the paper from finished runs, selected by ``table`` in ``conf/table.yaml``."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig

from mdhr.data.provenance import INCOMPLETE
from mdhr.errors import IncompleteError, InputError
from mdhr.files.folder_lock import locked_folder
from mdhr.reporting.finished_runs import read_runs
from mdhr.reporting.tables.ablation import ABLATION
from mdhr.reporting.tables.comparison_files import write_comparison
from mdhr.reporting.tables.complexity_table import write_complexity_table
from mdhr.reporting.tables.me_graphau import ME_GRAPHAU
from mdhr.reporting.tables.sweep import SWEEPS, write_sweep
from mdhr.reporting.tables.transfer import write_transfer


class _Table(NamedTuple):
    name: str
    """Folder in ``experiments/`` and target of the Makefile."""
    write: Callable[[DictConfig], Path]


def write_table(cfg: DictConfig) -> Path:
    """Write ``table.csv``, ``table.md``, ``table.tex`` and figures to ``cfg.out``, print the table, return ``table.md``.

    Raises ``InputError`` if there are no runs, or if they do not share one recipe. Raises ``IncompleteError`` after the
    table is written if runs are missing.

    Args:
        cfg: settings that :class:`mdhr.config.command_schema.TableSettings` accepts.
    """
    cfg.name = _TABLES[cfg.table].name
    try:
        page = _TABLES[cfg.table].write(cfg)
    except OSError as error:
        raise InputError(f"out={cfg.out} cannot be written: {error.strerror}. Set out to another folder.") from error
    text = page.read_text()
    print(f"{text}\nThe table is in {page}.")
    incomplete = next((line for line in text.splitlines() if INCOMPLETE in line), None)
    if incomplete is not None:
        raise IncompleteError(f"{page} is {incomplete.removeprefix('- ')}")
    return page


def _write_from_runs(write: Callable[..., Path], cfg: DictConfig, **definition: Any) -> Path:
    runs, out = read_runs(Path(cfg.runs)), Path(cfg.out)
    with locked_folder(out, setting="out"):
        return write(runs, out, **definition, folds=list(cfg.folds), command=cfg.command)


def _write_complexity(cfg: DictConfig) -> Path:
    with locked_folder(Path(cfg.out), setting="out"):
        return write_complexity_table(Path(cfg.out), command=cfg.command)


_TABLES: dict[int | str, _Table] = {
    **{n: _Table(f"table-{n}", partial(_write_from_runs, write_sweep, sweep=sweep)) for n, sweep in SWEEPS.items()},
    5: _Table("table-5", _write_complexity),
    6: _Table("table-6", partial(_write_from_runs, write_comparison, comparison=ABLATION)),
    "me_graphau": _Table("me-graphau", partial(_write_from_runs, write_comparison, comparison=ME_GRAPHAU)),
    "transfer": _Table("transfer", partial(_write_from_runs, write_transfer)),
}
