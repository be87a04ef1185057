"""All runs on disk: one row a setting with its folds and seeds, those without a result, and the pictures they left."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from mdhr.data.provenance import is_rendered
from mdhr.reporting.finished_runs import read_runs, short_commits
from mdhr.training.run_folder import SETTINGS_FILE
from mdhr.training.run_record import METRICS_FILE

SETTING = ["data", "protocol", "network", "k", "region_weight", "recipe"]


@dataclass(frozen=True)
class Setting:
    """Finished runs that differ in fold and seed alone."""

    runs: pd.DataFrame
    """As ``read_runs`` has them, by seed and fold."""

    def __getitem__(self, column: str) -> object:
        """What all of them have in that column."""
        return self.runs[column].iloc[0]

    @property
    def rendered(self) -> bool:
        """Whether they are of rendered faces."""
        return is_rendered(str(self["data"]))

    @property
    def most(self) -> int:
        """How many runs the folds and seeds that are there would make."""
        return self.runs["fold"].nunique() * self.runs["seed"].nunique()

    @property
    def f1(self) -> float:
        """Mean over seeds, then over folds."""
        return self.runs.groupby("fold")["f1_mean"].mean().mean()

    @property
    def spread(self) -> float:
        """Standard deviation over seeds of the mean over folds; NaN unless two seeds have all the folds."""
        return self.runs.pivot_table(index="seed", columns="fold", values="f1_mean").dropna().mean(axis=1).std()

    @property
    def auc(self) -> float:
        """As the F1."""
        return self.runs.groupby("fold")["auc_mean"].mean().mean()

    @property
    def commits(self) -> list[str]:
        """Of the code that they were made with."""
        return short_commits(self.runs)

    @property
    def folder(self) -> str:
        """The folder that holds all of them."""
        return os.path.commonpath(list(self.runs["folder"]))

    def listed(self, column: str) -> str:
        """The values of a column, each once."""
        return ", ".join(str(value) for value in sorted(self.runs[column].unique()))


@dataclass(frozen=True)
class UnfinishedRun:
    """A folder that holds a run, and why it is in no table."""

    folder: Path
    reason: str


def group_runs(root: Path) -> tuple[list[Setting], list[UnfinishedRun]]:
    """The finished runs below ``root`` by setting, and the runs that are not finished or cannot be read."""
    read, without = [], []
    for folder in sorted(path.parent for path in root.rglob(METRICS_FILE)):
        try:
            read.append(read_runs(folder))
        except (ValueError, KeyError, TypeError, OSError) as error:
            what = f"{type(error).__name__}: {error}".splitlines()[0]
            without.append(
                UnfinishedRun(
                    folder, f"{METRICS_FILE} or {SETTINGS_FILE} cannot be read ({what}): remove it, run again"
                )
            )
    for folder in sorted(path.parent for path in root.rglob(SETTINGS_FILE)):
        if not (folder / METRICS_FILE).is_file():
            newest = datetime.fromtimestamp(max(path.stat().st_mtime for path in folder.rglob("*")))
            without.append(UnfinishedRun(folder, f"begun, last written {newest:%Y-%m-%d %H:%M}"))
    read = [table for table in read if len(table)]
    if not read:
        return [], without
    runs = pd.concat(read).drop_duplicates("folder").sort_values(["seed", "fold"])
    return [Setting(own) for _, own in runs.groupby(SETTING, dropna=False)], without


def pictures(root: Path) -> list[Path]:
    """What runs left that shows a single video."""
    return sorted(path for path in root.rglob("*.png") if path.stem.endswith(("timeline", "attention")))
