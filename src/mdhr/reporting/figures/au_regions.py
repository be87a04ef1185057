"""Regions of the network on a schematic face, with the action units of a set."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Arc, Ellipse, Polygon, Rectangle

from mdhr.action_units import ActionUnitSet
from mdhr.action_units.facs import au_column, au_name
from mdhr.action_units.regions import REGIONS

COLORS = {"upper": "tab:blue", "middle": "tab:orange", "lower": "tab:green"}
LINE_HEIGHT = 0.042
"""Distance of two lines of text as a share of the face crop."""


def plot_regions(au_set: ActionUnitSet) -> Figure:
    """Return a figure with the bands of the three regions on a face, and the names of the action units by group.

    The vertical axis is that of a face crop, 0 at the top and 1 at the bottom. Neighboring bands overlap.
    """
    num_lines = len(au_set.aus) + 2 * len(au_set.groups)
    bottom = max(1.0, LINE_HEIGHT * (num_lines + 1))
    figure = Figure(figsize=(8, 5 * bottom + 0.4), layout="constrained")
    ax = figure.subplots()
    ax.set(xlim=(0, 1.85), ylim=(bottom, 0), aspect="equal", title=f"Regions and action units of {au_set.name}")
    ax.axis("off")
    for column, region in enumerate(REGIONS.values()):
        top, height = float(region.top), float(region.bottom - region.top)
        color = COLORS[region.name]
        ax.add_patch(Rectangle((0, top), 1, height, facecolor=color, alpha=0.18, edgecolor=color, linewidth=1.5))
        ax.text(0.02 + 0.84 * (column % 2), top + height / 2, region.name, color=color, va="center", fontsize=10)
    _draw_face(ax)
    y = LINE_HEIGHT
    for group in au_set.groups:
        title = f"{group.name} ({group.num_patterns} patterns)"
        ax.text(1.06, y, title, color=COLORS[group.region.name], weight="bold", va="center", fontsize=9)
        for au in group.aus:
            y += LINE_HEIGHT
            ax.text(1.1, y, f"{au_column(au)}  {au_name(au)}", va="center", fontsize=9)
        y += 2 * LINE_HEIGHT
    return figure


def _draw_face(ax: Axes) -> None:
    line: dict[str, Any] = {"edgecolor": "0.25", "facecolor": "none", "linewidth": 1.6}
    ax.add_patch(Ellipse((0.5, 0.5), 0.66, 0.92, **line))
    for x in (0.36, 0.64):
        ax.add_patch(Arc((x, 0.28), 0.17, 0.09, theta1=200, theta2=340, color="0.25", linewidth=3))
        ax.add_patch(Ellipse((x, 0.355), 0.12, 0.05, **line))
        ax.add_patch(Ellipse((x, 0.355), 0.035, 0.04, color="0.25"))
    ax.add_patch(Polygon([(0.5, 0.38), (0.455, 0.565), (0.5, 0.585), (0.545, 0.565)], closed=False, **line))
    ax.add_patch(Ellipse((0.5, 0.74), 0.25, 0.07, **line))
    ax.plot([0.375, 0.625], [0.74, 0.74], color="0.25", linewidth=1.2)
