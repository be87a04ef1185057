"""Finished runs on disk, grouped by settings, and unfinished runs."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from mdhr.data.provenance import is_rendered
from mdhr.reporting.finished_runs import folders_with, read_runs, short_commits
from mdhr.training.run_folder import SETTINGS_FILE
from mdhr.training.run_record import METRICS_FILE

GROUP_BY = ["data", "protocol", "network", "k", "region_weight", "recipe"]


@dataclass(frozen=True)
class RunGroup:
    """Finished runs that differ only in fold and seed."""

    runs: pd.DataFrame
    """Rows of ``read_runs``, sorted by seed and fold."""

    def __getitem__(self, column: str) -> object:
        """Return the common value of a column."""
        return self.runs[column].iloc[0]

    @property
    def rendered(self) -> bool:
        """Whether the data are rendered faces."""
        return is_rendered(str(self["data"]))

    @property
    def num_expected(self) -> int:
        """Number of runs if every available seed had every available fold."""
        return self.runs["fold"].nunique() * self.runs["seed"].nunique()

    @property
    def f1(self) -> float:
        """Mean F1 over seeds, then over folds."""
        return self.runs.groupby("fold")["f1_mean"].mean().mean()

    @property
    def spread(self) -> float:
        """Standard deviation over seeds of the mean F1 over folds; NaN unless two seeds have all folds."""
        return self.runs.pivot_table(index="seed", columns="fold", values="f1_mean").dropna().mean(axis=1).std()

    @property
    def auc(self) -> float:
        """Mean AUC over seeds, then over folds."""
        return self.runs.groupby("fold")["auc_mean"].mean().mean()

    @property
    def commits(self) -> list[str]:
        """Commits of the code of the runs."""
        return short_commits(self.runs)

    @property
    def folder(self) -> str:
        """Common parent folder of the runs."""
        return os.path.commonpath(list(self.runs["folder"]))

    def listed(self, column: str) -> str:
        """Return the distinct values of a column as text."""
        return ", ".join(str(value) for value in sorted(self.runs[column].unique()))


@dataclass(frozen=True)
class UnfinishedRun:
    """Folder of a run without a readable result."""

    folder: Path
    reason: str


def group_runs(root: Path) -> tuple[list[RunGroup], list[UnfinishedRun]]:
    """Return the finished runs below ``root`` in groups, and the unfinished or unreadable runs."""
    tables, unfinished = [], []
    for folder in folders_with(METRICS_FILE, root):
        try:
            tables.append(read_runs(folder))
        except (ValueError, KeyError, TypeError, OSError) as error:
            cause = f"{type(error).__name__}: {error}".splitlines()[0]
            reason = f"{METRICS_FILE} or {SETTINGS_FILE} cannot be read ({cause}). Delete the folder and run it again."
            unfinished.append(UnfinishedRun(folder, reason))
    for folder in folders_with(SETTINGS_FILE, root):
        if not (folder / METRICS_FILE).is_file():
            newest = datetime.fromtimestamp(max(path.stat().st_mtime for path in folder.rglob("*")))
            unfinished.append(UnfinishedRun(folder, f"incomplete, last written {newest:%Y-%m-%d %H:%M}"))
    tables = [table for table in tables if len(table)]
    if not tables:
        return [], unfinished
    runs = pd.concat(tables).drop_duplicates("folder").sort_values(["seed", "fold"])
    return [RunGroup(own) for _, own in runs.groupby(GROUP_BY, dropna=False)], unfinished


def video_figures(root: Path) -> list[Path]:
    """Return the figures of single videos in the folders of runs."""
    return sorted(path for path in root.rglob("*.png") if path.stem.endswith(("timeline", "attention")))
