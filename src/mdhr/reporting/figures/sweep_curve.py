"""Plot of F1 over a hyperparameter, next to the curve of the paper. The two panels have separate axes."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mdhr.inference.timeline import INK
from mdhr.reporting.figures.titled_figure import titled_figure

WIDTH, HEIGHT = 12.0, 4.4  # inches
OURS, PAPER = "#0072B2", "#D55E00"  # palette for color vision deficiencies (Okabe and Ito 2008)
MARGINS = {"left": 0.06, "right": 0.985, "top": 0.76, "bottom": 0.13, "wspace": 0.16}


def plot_sweep(by_seed: pd.DataFrame, paper: pd.Series, *, title: str, ours: str, paper_label: str) -> Figure:
    """Plot the mean over seeds with its standard deviation and each seed (left) and the paper's curve (right).

    Args:
        by_seed: F1 in [0, 1]; rows are values of the hyperparameter, plotted at even distances; columns are seeds.
        paper: F1 in [0, 1] by the same values.
        ours: caption of the left panel; the number of seeds is appended.
        paper_label: caption of the right panel.
    """
    figure = titled_figure(WIDTH, HEIGHT, title=title)
    left, right = figure.subplots(1, 2, gridspec_kw=MARGINS)
    position, seeds = np.arange(len(paper)), 100 * by_seed.to_numpy()
    mean, spread = 100 * by_seed.mean(axis=1).to_numpy(), 100 * by_seed.std(axis=1).fillna(0).to_numpy()
    left.plot(position, mean, color=OURS, marker="o", ms=6, lw=1.6, zorder=3)
    several = by_seed.notna().sum(axis=1).to_numpy() > 1
    left.errorbar(position[several], mean[several], spread[several], color=OURS, fmt="none", capsize=4)
    seed_position = np.where(several[:, None], position[:, None] + 0.16, np.nan)
    left.scatter(np.broadcast_to(seed_position, seeds.shape), seeds, 18, facecolors="none", edgecolors=OURS, lw=0.8)
    low, high = np.fmin(mean - spread, 100 * by_seed.min(axis=1)), np.fmax(mean + spread, 100 * by_seed.max(axis=1))
    label = f"{ours}; {_seeds(by_seed)}"
    _format_panel(left, by_seed.index, mean, low=low.to_numpy(), high=high.to_numpy(), label=label)
    right.plot(position, 100 * paper, color=PAPER, marker="o", ms=6, lw=1.6)
    label = f"{paper_label}\nmean over 3 folds; spread not reported"
    _format_panel(right, paper.index, 100 * paper.to_numpy(), label=label)
    return figure


def _seeds(by_seed: pd.DataFrame) -> str:
    """Return the number of seeds and, for several, the meaning of rings and bars."""
    counts = by_seed.notna().sum(axis=1)
    least, most = counts.min(), counts.max()
    number = f"{most} seed{'' if most == 1 else 's'}" if least == most else f"{least} to {most} seeds"
    return number + (" (rings: seeds, bars: standard deviation)" if most > 1 else "")


def _format_panel(
    ax: Axes, values: pd.Index, curve: np.ndarray, *, label: str,
    low: np.ndarray | None = None, high: np.ndarray | None = None,
) -> None:  # fmt: skip
    """Set caption, limits and value labels outside of ``low`` to ``high``; the axis spans at least two points."""
    low, high = curve if low is None else low, curve if high is None else high
    ax.set_title(label, fontsize=10, loc="left", color=INK, linespacing=1.3)
    if not np.isnan(curve).all():
        middle, half = (np.nanmax(high) + np.nanmin(low)) / 2, max(1.0, 0.68 * (np.nanmax(high) - np.nanmin(low)))
        ax.set_ylim(middle - half, middle + half)
    padded = np.concatenate([[np.nan], curve, [np.nan]])
    for i, value in enumerate(curve):
        if not np.isnan(value):
            around = padded[[i, i + 2]]
            # At a local minimum a label above the point would cover the curve.
            below = (np.isnan(around) | (around >= value)).all() and not np.isnan(around).all()
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
