"""Statistics of the labels of a data set: rates, run lengths and co-occurrence of action units.

A frame with an unknown label (-1) is neither active nor inactive. A run is a sequence of consecutive active frames. It
ends at the end of the video, at a gap in the frame numbers and at an unknown label; a truncated run counts with its
observed length.

Letters: F frames, N action units.
"""

import numpy as np
import pandas as pd

from mdhr.action_units import MISSING, ActionUnitSet
from mdhr.action_units.facs import ActionUnit, au_name
from mdhr.data.prepared.manifest import KEY

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def active_runs(table: pd.DataFrame, au_set: ActionUnitSet) -> dict[ActionUnit, np.ndarray]:
    """Return the lengths in frames of the runs of each action unit, in the order of videos and frames.

    Args:
        table: of a manifest: one row per frame with ``subject``, ``task``, ``frame`` and one column per action unit.
    """
    table = table.sort_values(KEY, kind="stable")
    video = table.groupby(["subject", "task"], sort=False).ngroup().to_numpy()
    follows = np.zeros(len(table), bool)  # F: whether the previous row is the previous frame
    follows[1:] = (np.diff(video) == 0) & (np.diff(table["frame"].to_numpy()) == 1)
    runs = {}
    for au, column in zip(au_set.aus, au_set.columns, strict=True):
        active = table[column].to_numpy() == 1
        starts = active.copy()
        starts[1:] &= ~(active[:-1] & follows[1:])
        runs[au] = np.bincount(np.cumsum(starts)[active])[1:]  # runs are numbered from 1
    return runs


def label_distribution(table: pd.DataFrame, au_set: ActionUnitSet, *, fps: float) -> pd.DataFrame:
    """Return one row per action unit with its label counts and run lengths.

    Columns: ``au``, ``name``, ``active``, ``inactive``, ``unknown`` (numbers of frames), ``rate`` (active among known
    labels), ``runs``, and mean and median run length in frames and seconds. NaN if there is no known label or no run.
    """
    labels = table[list(au_set.columns)].to_numpy()
    active, inactive, unknown = ((labels == value).sum(0) for value in (1, 0, MISSING))
    lengths = run_lengths(active_runs(table, au_set), fps=fps)
    distribution = pd.DataFrame(
        {
            "au": au_set.aus,
            "name": [au_name(au) for au in au_set.aus],
            "active": active,
            "inactive": inactive,
            "unknown": unknown,
            "rate": active / np.where(active + inactive, active + inactive, np.nan),
        }
    )
    return distribution.join(lengths[["runs", "mean_frames", "median_frames", "mean_seconds", "median_seconds"]])


def run_lengths(runs: dict[ActionUnit, np.ndarray], *, fps: float) -> pd.DataFrame:
    """Return one row per action unit with the distribution of its run lengths.

    Columns: ``au``, ``runs`` and, in frames and in seconds, the mean, the shortest, quantiles and the longest.
    """
    rows = []
    for au, lengths in runs.items():
        row: dict[str, float | ActionUnit] = {"au": au, "runs": len(lengths)}
        observed = lengths if len(lengths) else np.array([np.nan])
        for unit, values in (("frames", observed), ("seconds", observed / fps)):
            row |= {f"mean_{unit}": values.mean(), f"shortest_{unit}": values.min()}
            for quantile, value in zip(QUANTILES, np.quantile(values, QUANTILES), strict=True):
                row["median_" + unit if quantile == 0.5 else f"q{100 * quantile:.0f}_{unit}"] = value
            row[f"longest_{unit}"] = values.max()
        rows.append(row)
    return pd.DataFrame(rows)


def co_occurrence(table: pd.DataFrame, au_set: ActionUnitSet) -> pd.DataFrame:
    """Return P(column | row), ``(N, N)``: the share of frames with the column's action unit among those with the row's.

    Only frames in which both labels are known count. NaN if there is no such frame.
    """
    labels = table[list(au_set.columns)].to_numpy()
    active, known = (labels == 1).astype(np.float64), (labels != MISSING).astype(np.float64)
    frames = active.T @ known
    return pd.DataFrame(
        (active.T @ active) / np.where(frames, frames, np.nan),
        index=pd.Index(au_set.columns, name="active"),
        columns=list(au_set.columns),
    )
