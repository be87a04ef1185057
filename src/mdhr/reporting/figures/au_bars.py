"""F1 of every action unit as bars, several systems side by side, their means first."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mdhr.action_units import AU_NAMES
from mdhr.inference.timeline import INK

COLORS = ("#999999", "#56B4E9", "#009E73", "#D55E00", "#E69F00", "#CC79A7", "#0072B2", "#F0E442")
"""Told apart by every common kind of color blindness (Okabe and Ito 2008)."""

WIDTH = 14.0  # inches, at 100 dots an inch
PLOT = 4.2
LEFT, RIGHT, FOOTER = 0.7, 0.2, 0.85


def plot_au_bars(f1: pd.DataFrame, *, title: str, note: str, spread: pd.DataFrame | None = None) -> Figure:
    """One group of bars an action unit, one bar a system.

    Parameters
    ----------
    f1: in 0 ... 1; rows are systems, at most eight; columns ``f1_mean``, ``f1_AU1``, ...; NaN draws no bar.
    spread: of the same form, drawn as error bars.
    note: lines below the title that say what is seen.
    """
    header = 0.9 + 0.2 * len(note.splitlines())
    height = header + PLOT + FOOTER
    figure = Figure(figsize=(WIDTH, height), dpi=100, facecolor="white")
    figure.text(0.2 / WIDTH, 1 - 0.14 / height, title, fontsize=15, fontweight="bold", va="top", color=INK)
    figure.text(0.2 / WIDTH, 1 - 0.5 / height, note, fontsize=10.5, va="top", color=INK, linespacing=1.3)
    ax = figure.add_axes((LEFT / WIDTH, FOOTER / height, (WIDTH - LEFT - RIGHT) / WIDTH, PLOT / height))

    thickness = 0.84 / len(f1)
    # The means stand apart: half a group of room.
    groups = np.arange(f1.shape[1]) + np.where(np.arange(f1.shape[1]) > 0, 0.3, 0)
    for i, (system, values) in enumerate(f1.iterrows()):
        place = groups - 0.42 + (i + 0.5) * thickness
        errors = None if spread is None else 100 * spread.loc[system].to_numpy()
        ax.bar(place, 100 * values, 0.9 * thickness, color=COLORS[i], label=system, yerr=errors,
               error_kw={"ecolor": INK, "elinewidth": 0.9})  # fmt: skip
        ax.text(place[0], 100 * np.nan_to_num(values.iloc[0]) + 1.5, f"{100 * values.iloc[0]:.1f}", rotation=90,
                fontsize=9, ha="center", va="bottom", color=INK)  # fmt: skip
    ax.axvline((groups[0] + groups[1]) / 2 if len(groups) > 1 else 1, color="#AAAAAA", lw=0.6)
    ax.set_xticks(groups, [_name(str(column)) for column in f1], fontsize=9.5, linespacing=1.25)
    ax.tick_params(axis="x", length=0, pad=5, colors=INK)
    ax.tick_params(axis="y", length=0, labelsize=10, colors=INK)
    ax.set(xlim=(-0.6, groups[-1] + 0.6), ylim=(0, 100))
    ax.set_ylabel("F1 in %", fontsize=10.5, color=INK)
    ax.grid(axis="y", color="#EEEEEE", lw=0.8)
    ax.set_axisbelow(True)
    ax.spines[:].set_visible(False)
    ax.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=len(f1), frameon=False, fontsize=10.5,
              labelcolor=INK, handlelength=1.0)  # fmt: skip
    return figure


def _name(column: str) -> str:
    """``AU12`` above its name, a word a line."""
    if not column.startswith("f1_AU"):
        return "mean"
    au = column.removeprefix("f1_AU")
    return f"AU{au}\n" + AU_NAMES[int(au)].replace(" ", "\n")
