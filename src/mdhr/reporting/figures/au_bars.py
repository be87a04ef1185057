"""Bar chart of the F1 of each action unit for several networks."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mdhr.action_units.facs import action_unit, au_name
from mdhr.inference.timeline import INK
from mdhr.reporting.figures.titled_figure import titled_figure

COLORS = ("#999999", "#56B4E9", "#009E73", "#D55E00", "#E69F00", "#CC79A7", "#0072B2", "#F0E442")
"""Palette for color vision deficiencies (Okabe and Ito 2008)."""

WIDTH = 14.0  # inches
PLOT = 4.2
LEFT, RIGHT, FOOTER = 0.7, 0.2, 0.85


def plot_au_bars(f1: pd.DataFrame, *, title: str, note: str, spread: pd.DataFrame | None = None) -> Figure:
    """Plot one group of bars per action unit with one bar per network; the first group contains the means.

    Args:
        f1: in [0, 1]; up to eight rows (networks), columns ``f1_mean``, ``f1_AU1``, ...; NaN draws no bar.
        note: one or more lines below the title.
        spread: half lengths of the error bars, in the form of ``f1``.
    """
    header = 0.9 + 0.2 * len(note.splitlines())
    height = header + PLOT + FOOTER
    figure = titled_figure(WIDTH, height, title=title, note=note)
    ax = figure.add_axes((LEFT / WIDTH, FOOTER / height, (WIDTH - LEFT - RIGHT) / WIDTH, PLOT / height))

    thickness = 0.84 / len(f1)
    # Extra space separates the means from the action units.
    groups = np.arange(f1.shape[1]) + np.where(np.arange(f1.shape[1]) > 0, 0.3, 0)
    for i, (network, values) in enumerate(f1.iterrows()):
        position = groups - 0.42 + (i + 0.5) * thickness
        errors = None if spread is None else 100 * spread.loc[network].to_numpy()
        ax.bar(position, 100 * values, 0.9 * thickness, color=COLORS[i], label=network, yerr=errors,
               error_kw={"ecolor": INK, "elinewidth": 0.9})  # fmt: skip
        ax.text(position[0], 100 * np.nan_to_num(values.iloc[0]) + 1.5, f"{100 * values.iloc[0]:.1f}", rotation=90,
                fontsize=9, ha="center", va="bottom", color=INK)  # fmt: skip
    ax.axvline((groups[0] + groups[1]) / 2 if len(groups) > 1 else 1, color="#AAAAAA", lw=0.6)
    ax.set_xticks(groups, [_tick_label(str(column)) for column in f1], fontsize=9.5, linespacing=1.25)
    ax.tick_params(axis="x", length=0, pad=5, colors=INK)
    ax.tick_params(axis="y", length=0, labelsize=10, colors=INK)
    ax.set(xlim=(-0.6, groups[-1] + 0.6), ylim=(0, 112), yticks=range(0, 101, 20))  # space for the values of the means
    ax.set_ylabel("F1 in %", fontsize=10.5, color=INK)
    ax.grid(axis="y", color="#EEEEEE", lw=0.8)
    ax.set_axisbelow(True)
    ax.spines[:].set_visible(False)
    ax.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=len(f1), frameon=False, fontsize=10.5,
              labelcolor=INK, handlelength=1.0)  # fmt: skip
    return figure


def _tick_label(column: str) -> str:
    """Return ``AU12`` and its name, one word per line."""
    name = column.removeprefix("f1_")
    return name if name == "mean" else f"{name}\n" + au_name(action_unit(name)).replace(" ", "\n")
