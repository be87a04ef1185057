"""The curve of a sweep beside the paper's, each on its own axis: they are of different data."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mdhr.inference.timeline import INK

WIDTH, HEIGHT = 12.0, 4.4  # inches, at 100 dots an inch
OURS, PAPER = "#0072B2", "#D55E00"  # told apart by every common kind of color blindness (Okabe and Ito 2008)
MARGINS = {"left": 0.06, "right": 0.985, "top": 0.76, "bottom": 0.13, "wspace": 0.16}


def plot_sweep(by_seed: pd.DataFrame, paper: pd.Series, *, title: str, ours: str, paper_label: str) -> Figure:
    """Left our mean over seeds, with its standard deviation where there are two, and every seed as a ring; right the
    paper's curve.

    Parameters
    ----------
    by_seed: F1, 0 to 1; rows are values of the setting, evenly spaced whatever they are, columns seeds.
    paper: F1 by the same values.
    ours, paper_label: what stands above the panels; to ours the number of seeds is added.
    """
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=100, facecolor="white")
    figure.text(0.2 / WIDTH, 1 - 0.14 / HEIGHT, title, fontsize=15, fontweight="bold", va="top", color=INK)
    left, right = figure.subplots(1, 2, gridspec_kw=MARGINS)
    place, seeds = np.arange(len(paper)), 100 * by_seed.to_numpy()
    mean, spread = 100 * by_seed.mean(axis=1).to_numpy(), 100 * by_seed.std(axis=1).fillna(0).to_numpy()
    left.plot(place, mean, color=OURS, marker="o", ms=6, lw=1.6, zorder=3)
    several = by_seed.notna().sum(axis=1).to_numpy() > 1
    left.errorbar(place[several], mean[several], spread[several], color=OURS, fmt="none", capsize=4)
    beside = np.where(several[:, None], place[:, None] + 0.16, np.nan)
    left.scatter(np.broadcast_to(beside, seeds.shape), seeds, 18, facecolors="none", edgecolors=OURS, lw=0.8)
    _finish(left, by_seed.index, mean, low=mean - spread, high=mean + spread, label=f"{ours}; {_seeds(by_seed)}")
    right.plot(place, 100 * paper, color=PAPER, marker="o", ms=6, lw=1.6)
    _finish(right, paper.index, 100 * paper.to_numpy(), label=f"{paper_label}\nmean over 3 folds; no spread is given")
    return figure


def _seeds(by_seed: pd.DataFrame) -> str:
    """How many there are, and what stands for their spread."""
    counts = by_seed.notna().sum(axis=1)
    least, most = counts.min(), counts.max()
    number = f"{most} seed{'' if most == 1 else 's'}" if least == most else f"{least} to {most} seeds"
    return number + (" (rings; bars: their standard deviation)" if most > 1 else "")


def _finish(
    ax: Axes, values: pd.Index, curve: np.ndarray, *, label: str,
    low: np.ndarray | None = None, high: np.ndarray | None = None,
) -> None:  # fmt: skip
    """Names, limits and the numbers of the curve, between ``low`` and ``high``; an axis spans two points at least."""
    low, high = curve if low is None else low, curve if high is None else high
    ax.set_title(label, fontsize=10, loc="left", color=INK, linespacing=1.3)
    if not np.isnan(curve).all():
        middle, half = (np.nanmax(high) + np.nanmin(low)) / 2, max(1.0, 0.68 * (np.nanmax(high) - np.nanmin(low)))
        ax.set_ylim(middle - half, middle + half)
    padded = np.concatenate([[np.nan], curve, [np.nan]])
    for i, value in enumerate(curve):
        if not np.isnan(value):
            around = padded[[i, i + 2]]
            below = (np.isnan(around) | (around >= value)).all() and not np.isnan(
                around
            ).all()  # out of the curve's way
            ax.annotate(f"{value:.1f}", (i, (low if below else high)[i]), (0, -8 if below else 8),
                        textcoords="offset points", ha="center", va="top" if below else "bottom", fontsize=9,
                        color=INK, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8},
                        zorder=4)  # fmt: skip
    ax.set_xticks(range(len(values)), [f"{value:g}" for value in values], fontsize=10)
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.set_xlim(-0.5, len(values) - 0.5)
    ax.set_xlabel(str(values.name), fontsize=10.5, color=INK)
    ax.set_ylabel("F1 in %", fontsize=10.5, color=INK)
    ax.tick_params(length=0, labelsize=10, colors=INK)
    ax.grid(axis="y", color="#EEEEEE", lw=0.8)
    ax.set_axisbelow(True)
    ax.spines[:].set_visible(False)
