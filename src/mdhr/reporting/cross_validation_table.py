"""Cross-validation of an experiment with its table: ``table.csv`` and ``table.md`` in ``run_dir``."""

from pathlib import Path
from typing import Any

import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console

from mdhr.config.processes import is_first_process
from mdhr.data.provenance import is_rendered
from mdhr.errors import DivergedError
from mdhr.files.atomic import write_text
from mdhr.files.folder_lock import locked_folder
from mdhr.reporting.paper_results import PaperRow, paper_row
from mdhr.reporting.tables.fold_table import as_markdown, as_terminal_table, fold_notes, fold_table, fold_title
from mdhr.training.cross_validation import check_settings, fold_settings, train_folds


def cross_validate(cfg: DictConfig) -> pd.DataFrame:
    """Train and test the folds and return their table, see :func:`mdhr.reporting.tables.fold_table.fold_table`.

    Raises ``InputError`` for wrong settings or data. Raises ``DivergedError`` after the table is written if a fold
    diverged.
    """
    check_settings(cfg)
    paper = _paper_row(cfg)
    folds = fold_settings(cfg)
    records = train_folds(folds)
    diverged = [str(fold) for fold, record in records.items() if record is None]
    if len(diverged) == len(records):
        raise DivergedError(f"training diverged in every fold; there is no table. The runs are in {cfg.run_dir}.")
    table = fold_table(records, paper)
    if is_first_process():
        labels = {"data": cfg.data.name, "protocol": cfg.data.protocol, "seed": cfg.seed}
        title, notes = fold_title(cfg.name, records), fold_notes(records, paper)
        with locked_folder(Path(cfg.run_dir), setting="run_dir"):
            _write_table(Path(cfg.run_dir), table, title=title, notes=notes, labels=labels)
    if diverged:
        raise DivergedError(f"fold {', '.join(diverged)} diverged and is missing from {cfg.run_dir}/table.md")
    return table


def _write_table(folder: Path, table: pd.DataFrame, *, title: str, notes: list[str], labels: dict[str, Any]) -> None:
    """Write ``table.csv`` (all digits, ``labels`` in every row) and ``table.md``, and print the table."""
    write_text(folder / "table.csv", table.assign(**labels).to_csv(index_label="row"))
    write_text(folder / "table.md", as_markdown(table, title=title, notes=notes))
    Console(highlight=False).print("", title, as_terminal_table(table), *notes, sep="\n")
    print(f"the table is in {folder / 'table.md'} and {folder / 'table.csv'}")


def _paper_row(cfg: DictConfig) -> PaperRow | None:
    """Return the row of the paper to compare with; None for rendered faces."""
    if cfg.paper_row is None or is_rendered(cfg.data.name):
        return None
    return paper_row(**cfg.paper_row, columns=instantiate(cfg.data.au_set).columns)
