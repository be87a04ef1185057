"""What the labels of a data set are like: how often and how long every action unit is active, and which ones together.

A frame counts as active or inactive where its label is known; an unknown one (-1) is neither. A run is a stretch of
frames in which an action unit stays active: it ends at the end of its video, where frame numbers skip, and at an
unknown label, so a run that was cut there counts with the part that was seen.

Letters: F frames, N action units.
"""

import numpy as np
import pandas as pd

from mdhr.action_units import AU_NAMES, MISSING, ActionUnitSet
from mdhr.data.prepared.manifest import KEY

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def active_runs(table: pd.DataFrame, au_set: ActionUnitSet) -> dict[int, np.ndarray]:
    """Length in frames of every run of every action unit, in the order of videos and frames.

    Parameters
    ----------
    table: a manifest's: one row a frame with ``subject``, ``task``, ``frame`` and a column an action unit; any order.
    """
    table = table.sort_values(KEY, kind="stable")
    video = table.groupby(["subject", "task"], sort=False).ngroup().to_numpy()
    follows = np.zeros(len(table), bool)  # F: is the row above the frame just before this one?
    follows[1:] = (np.diff(video) == 0) & (np.diff(table["frame"].to_numpy()) == 1)
    runs = {}
    for au, column in zip(au_set.aus, au_set.columns, strict=True):
        active = table[column].to_numpy() == 1
        starts = active.copy()
        starts[1:] &= ~(active[:-1] & follows[1:])
        runs[au] = np.bincount(np.cumsum(starts)[active])[1:]  # runs are numbered from 1
    return runs


def label_distribution(table: pd.DataFrame, au_set: ActionUnitSet, *, fps: float) -> pd.DataFrame:
    """One row an action unit: frames by label, rate of the active ones among the known, and its runs.

    Columns ``au name active inactive unknown rate runs``, then mean and median of the runs in frames and in seconds;
    NaN where no label is known or no run was seen.
    """
    labels = table[list(au_set.columns)].to_numpy()
    active, inactive, unknown = ((labels == value).sum(0) for value in (1, 0, MISSING))
    lengths = run_lengths(active_runs(table, au_set), fps=fps)
    distribution = pd.DataFrame(
        {
            "au": au_set.aus,
            "name": [AU_NAMES[au] for au in au_set.aus],
            "active": active,
            "inactive": inactive,
            "unknown": unknown,
            "rate": active / np.where(active + inactive, active + inactive, np.nan),
        }
    )
    return distribution.join(lengths[["runs", "mean_frames", "median_frames", "mean_seconds", "median_seconds"]])


def run_lengths(runs: dict[int, np.ndarray], *, fps: float) -> pd.DataFrame:
    """One row an action unit: how its runs are distributed, in frames and in seconds.

    Columns ``au runs``, then for either unit the mean, the shortest, quantiles, and the longest.
    """
    rows = []
    for au, lengths in runs.items():
        row: dict[str, float] = {"au": au, "runs": len(lengths)}
        seen = lengths if len(lengths) else np.array([np.nan])
        for unit, values in (("frames", seen), ("seconds", seen / fps)):
            row |= {f"mean_{unit}": values.mean(), f"shortest_{unit}": values.min()}
            for quantile, value in zip(QUANTILES, np.quantile(values, QUANTILES), strict=True):
                row["median_" + unit if quantile == 0.5 else f"q{100 * quantile:.0f}_{unit}"] = value
            row[f"longest_{unit}"] = values.max()
        rows.append(row)
    return pd.DataFrame(rows)


def co_occurrence(table: pd.DataFrame, au_set: ActionUnitSet) -> pd.DataFrame:
    """``N N``: how often the column's action unit is active in frames in which the row's is: P(column | row).

    Of frames in which both are known. NaN where there is no such frame.
    """
    labels = table[list(au_set.columns)].to_numpy()
    active, known = (labels == 1).astype(np.float64), (labels != MISSING).astype(np.float64)
    frames = active.T @ known
    return pd.DataFrame(
        (active.T @ active) / np.where(frames, frames, np.nan),
        index=pd.Index(au_set.columns, name="active"),
        columns=list(au_set.columns),
    )
