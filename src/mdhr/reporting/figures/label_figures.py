"""Figures of a data set's labels: label distribution, co-occurrence and run lengths.

The numbers come from ``mdhr.reporting.label_statistics``. Active labels are blue, as in the timelines.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from mdhr.action_units.facs import ActionUnit, action_unit, au_column, au_name
from mdhr.inference.timeline import INK, NO_FACE_COLOR, SCORE_COLOR, TRUE_COLOR
from mdhr.reporting.figures.titled_figure import MARGIN, titled_figure

WIDTH = 12.0  # inches
LEFT, RIGHT = 2.5, 1.65  # margins for the row names and the column of numbers
ROW = 0.56
FOOTER = 0.7
COLORS = {"active": TRUE_COLOR, "inactive": NO_FACE_COLOR, "unknown": "#F2C879"}
SHADES = LinearSegmentedColormap.from_list("blues", ["white", TRUE_COLOR, "#0B4F7D"]).with_extremes(bad="#EEEEEE")
SECONDS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)


def plot_label_distribution(distribution: pd.DataFrame, *, title: str, note: str) -> Figure:
    """Plot active, inactive and unknown frames of each action unit.

    Args:
        distribution: from ``label_distribution``.
    """
    figure, ax = _rows(distribution["au"], title=title, note=note)
    shown = [label for label in COLORS if label != "unknown" or distribution["unknown"].any()]
    thickness = 0.8 / len(shown)
    for i, label in enumerate(shown):
        position = np.arange(len(distribution)) - 0.4 + (i + 0.5) * thickness
        bars = ax.barh(position, distribution[label], 0.94 * thickness, color=COLORS[label], label=label)
        ax.bar_label(bars, fmt="{:,.0f}", padding=4, fontsize=9.5, color=INK)
    largest = distribution[shown].to_numpy().max()
    ax.set(xlim=(0, 1.1 * max(largest, 1)), xlabel="frames")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    _column(ax, "rate", [f"{100 * rate:.1f} %" if rate >= 0 else "unknown" for rate in distribution["rate"]])
    ax.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3, frameon=False, fontsize=10.5, labelcolor=INK)
    return figure


def plot_run_lengths(
    runs: dict[ActionUnit, np.ndarray], lengths: pd.DataFrame, *, fps: float, title: str, note: str
) -> Figure:
    """Plot a histogram of the run lengths of each action unit over logarithmic time.

    Args:
        runs: from ``active_runs``.
        lengths: from ``run_lengths``.
    """
    figure, ax = _rows(lengths["au"], title=title, note=note)
    longest = max([2, *(each.max() for each in runs.values() if len(each))])
    # 1, 2, 3, 4, 6, 8, 12, ... frames: integer edges in nearly even logarithmic steps avoid empty bins for short runs.
    edges = np.unique([(2**k, 3 * 2**k // 2) for k in range(int(np.log2(longest)) + 2)])
    edges = edges[: np.searchsorted(edges, longest, side="right") + 1]
    # The bins are not quite even, so shares are per doubling of the length.
    shares = [np.histogram(each, edges)[0] / max(len(each), 1) / np.diff(np.log2(edges)) for each in runs.values()]
    highest = max(1e-9, np.max(shares))
    bottom = np.arange(len(shares)) + 0.42
    for base, share in zip(bottom, shares, strict=True):
        ax.stairs(base - 0.84 * share / highest, edges / fps, baseline=base, fill=True, color=TRUE_COLOR, lw=0)
    ax.hlines(bottom, edges[0] / fps, edges[-1] / fps, color="#AAAAAA", lw=0.6)
    ax.vlines(lengths["median_seconds"], bottom - 0.84, bottom, color=SCORE_COLOR, lw=2, label="median")
    ax.set(xscale="log", xlim=(edges[0] / fps, edges[-1] / fps), xlabel="run length in seconds")
    ax.xaxis.set(major_locator=FixedLocator(SECONDS), minor_locator=NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    medians = zip(lengths["median_seconds"], lengths["runs"], strict=True)
    _column(ax, "median", [f"{median:.1f} s, {n:,} runs" if n else "no runs" for median, n in medians])
    ax.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), frameon=False, fontsize=10.5, labelcolor=INK)
    return figure


def plot_co_occurrence(together: pd.DataFrame, rates: pd.Series, *, title: str, note: str) -> Figure:
    """Plot a heat map of conditional rates in percent below a row with the unconditional rates.

    Args:
        together: from ``co_occurrence``.
        rates: share of active frames of each action unit.
    """
    num_aus, cell, top = len(together), 0.62, _header(note) + 0.1
    width, height = max(LEFT + num_aus * cell + 0.3, 9.0), top + (num_aus + 1.3) * cell + 0.2
    figure = titled_figure(width, height, title=title, note=note)
    for values, names, start in (
        (rates.to_numpy()[None], ["all frames"], top),
        (together.to_numpy(), [f"{name} {au_name(action_unit(name))}" for name in together.index], top + 1.3 * cell),
    ):
        tall = len(values) * cell
        ax = figure.add_axes((LEFT / width, 1 - (start + tall) / height, num_aus * cell / width, tall / height))
        shown = np.where(np.eye(num_aus) == 1, np.nan, values) if len(values) > 1 else values
        ax.imshow(shown, cmap=SHADES, vmin=0, vmax=1, aspect="auto")
        for (row, column), value in np.ndenumerate(shown):
            if np.isfinite(value):
                color = "white" if value > 0.72 else INK
                ax.text(column, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=11, color=color)
        ax.set_xticks(range(num_aus), together.columns if len(values) == 1 else [""] * num_aus)
        _names(ax, names)
        ax.tick_params(top=False, bottom=False, labeltop=True, labelbottom=False, labelsize=11, colors=INK)
        ax.set_xticks(np.arange(1, num_aus) - 0.5, minor=True)
        ax.set_yticks(np.arange(1, len(values)) - 0.5, minor=True)
        ax.grid(which="minor", color="white", lw=1.5)
        ax.tick_params(which="minor", length=0)
        ax.spines[:].set(color="#AAAAAA", linewidth=0.6)
    return figure


def _header(note: str) -> float:
    """Return the height in inches of title, note, legend and column headings."""
    return 1.1 + 0.2 * len(note.splitlines())


def _rows(aus: pd.Series, *, title: str, note: str) -> tuple[Figure, Axes]:
    """Return a figure and axes with one row per action unit from top to bottom, at y = 0, 1, ..."""
    height = _header(note) + len(aus) * ROW + FOOTER
    figure = titled_figure(WIDTH, height, title=title, note=note)
    bounds = (LEFT / WIDTH, FOOTER / height, (WIDTH - LEFT - RIGHT) / WIDTH, len(aus) * ROW / height)
    ax = figure.add_axes(bounds)
    _names(ax, [f"{au_column(au)} {au_name(au)}" for au in aus])
    ax.set_ylim(len(aus) - 0.5, -0.5)
    ax.tick_params(axis="x", labelsize=10, colors=INK)
    ax.xaxis.label.set(fontsize=10.5, color=INK)
    ax.grid(axis="x", color="#EEEEEE", lw=0.8)
    ax.set_axisbelow(True)
    ax.spines[:].set_visible(False)
    return figure, ax


def _names(ax: Axes, names: list[str]) -> None:
    """Write the row names, aligned with the left edge of the figure."""
    ax.set_yticks(range(len(names)), names, ha="left", va="center")
    ax.tick_params(axis="y", length=0, pad=(LEFT - MARGIN) * 72, labelsize=11, labelcolor=INK)


def _column(ax: Axes, heading: str, values: list[str]) -> None:
    """Write one value per row, aligned with the right edge of the figure."""
    right = 1 + (RIGHT - MARGIN) / (WIDTH - LEFT - RIGHT)
    ax.text(right, -0.5, heading, transform=ax.get_yaxis_transform(), fontsize=9.5, ha="right", va="bottom", color=INK)
    for n, text in enumerate(values):
        ax.text(right, n, text, transform=ax.get_yaxis_transform(), fontsize=11, ha="right", va="center", color=INK)
