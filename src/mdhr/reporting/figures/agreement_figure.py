"""Figure of the agreement of two codings: kappa and AC1 of each action unit with their intervals."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mdhr.action_units.facs import action_unit, au_name
from mdhr.inference.timeline import INK
from mdhr.reporting.figures.titled_figure import titled_figure

WIDTH = 12.0  # inches
LEFT, RIGHT, FOOTER, ROW = 2.7, 2.6, 0.7, 0.42
MARKS = {"kappa": ("Cohen's kappa", "#D55E00", "o"), "ac1": ("Gwet's AC1", "#0072B2", "s")}
"""Label, color and marker; the colors differ for all common types of color blindness."""


def plot_agreement(table: pd.DataFrame, *, title: str, note: str) -> Figure:
    """Plot kappa and AC1, with a column of the rates of active frames.

    Args:
        table: from :func:`mdhr.reporting.agreement_table.agreement_table`.
        note: one or more lines below the title.
    """
    header = 1.0 + 0.2 * len(note.splitlines())
    height = header + ROW * len(table) + FOOTER
    figure = titled_figure(WIDTH, height, title=title, note=note)
    plot = (LEFT / WIDTH, FOOTER / height, (WIDTH - LEFT - RIGHT) / WIDTH, ROW * len(table) / height)
    ax = figure.add_axes(plot)
    rows = np.arange(len(table), dtype=float)
    for offset, (name, (label, color, marker)) in zip((-0.13, 0.13), MARKS.items(), strict=True):
        ax.hlines(rows + offset, table[f"{name}_low"], table[f"{name}_high"], color=color, lw=1.6)
        ax.plot(table[name], rows + offset, marker, color=color, ms=6, label=label, clip_on=False, zorder=3)
    limits = table[[f"{name}{end}" for name in MARKS for end in ("", "_low", "_high")]].min(axis=None)
    left = min(0.0, float(np.nan_to_num(limits))) - 0.03
    ax.set(xlim=(max(left, -1.03), 1.0), ylim=(len(table) - 0.5, -0.5))
    ax.set_yticks(rows, [_row_label(au) for au in table["au"]], fontsize=10)
    ax.set_xlabel("agreement corrected for chance", fontsize=10.5, color=INK)
    ax.axvline(0, color="#AAAAAA", lw=0.8)
    ax.axhline(len(table) - 1.5, color="#AAAAAA", lw=0.6)
    ax.grid(axis="x", color="#EEEEEE", lw=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(length=0, labelsize=10, colors=INK)
    ax.spines[:].set_visible(False)
    for column, x in (("active in A", 1.17), ("active in B", 1.35)):
        values = table["rate_a" if column.endswith("A") else "rate_b"]
        ax.text(x, 1.0 + 0.1 / (ROW * len(table)), column, transform=ax.transAxes, ha="right", fontsize=10, color=INK)
        for row, rate in zip(rows, values, strict=True):
            text = "-" if np.isnan(rate) else f"{100 * rate:.1f} %"
            ax.text(x, row, text, transform=ax.get_yaxis_transform(), ha="right", va="center", fontsize=10, color=INK)
    ax.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=2, frameon=False, fontsize=10.5, labelcolor=INK)
    return figure


def _row_label(au: str) -> str:
    return au if au == "mean" else f"{au}  {au_name(action_unit(au))}"
