"""Figure of the scale weights and the graph attention of MDHR on one clip.

From top to bottom: frames; the weight of each motion scale at each position; the share of positions where each scale has
the largest weight; ground truth and predicted region patterns; the graph attention as a matrix and as arrows.

Letters: T frames, N action units, S scales, H' W' grid of the last feature map.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Patch

from mdhr.action_units import ActionUnitSet
from mdhr.action_units.facs import au_column, au_name
from mdhr.inference.timeline import INK, SCORE_COLOR, TRUE_COLOR
from mdhr.reporting.figures.captured_weights import CapturedWeights
from mdhr.reporting.figures.label_figures import SHADES
from mdhr.reporting.figures.titled_figure import MARGIN, titled_figure

WIDTH = 14.0  # inches
LEFT, RIGHT = 2.6, 1.0
NUM_SHOWN = 8
HEADER, SHARES, ROW, GAP, GRAPH, FOOTER = 1.0, 1.1, 0.27, 0.7, 5.3, 0.3
SCALE_COLORS = ("#0072B2", "#56B4E9", "#E69F00", "#D55E00", "#CC79A7", "#009E73")
GROUP_COLORS = ("#0072B2", "#009E73", "#E69F00", "#CC79A7", "#999999", "#D55E00")
WEIGHTS = LinearSegmentedColormap.from_list("weights", ["white", "#F6B27F", SCORE_COLOR, "#7A3300"])
MIN_ARROW = 0.05
"""Smallest attention that is plotted as an arrow."""


def plot_attention(
    captured: CapturedWeights,
    *,
    au_set: ActionUnitSet,
    frames: np.ndarray,
    seconds: np.ndarray,
    truth: np.ndarray,
    strides: tuple[int, ...],
    title: str,
    note: str,
) -> Figure:
    """Plot one clip.

    Args:
        frames: ``(T, H, W, 3)`` uint8 RGB.
        seconds: ``(T,)`` increasing time.
        truth: ``(T, N)`` occurrence, -1 where it is unknown.
        strides: stride of each of the S scales in input pixels, finest first.
        note: one or two lines below the title.
    """
    num_frames, num_aus = truth.shape
    side = (WIDTH - LEFT - RIGHT) / NUM_SHOWN
    weights_top = HEADER + side
    shares_top = weights_top + len(strides) * side + 0.1
    aus_top = shares_top + SHARES + 0.12
    graph_top = aus_top + num_aus * ROW + GAP + 0.75
    height = graph_top + GRAPH + FOOTER
    figure = titled_figure(WIDTH, height, title=title, note=note)

    def axes(left: float, top: float, width: float, tall: float) -> Axes:
        """Add axes; position and size are in inches from the upper left corner."""
        return figure.add_axes((left / WIDTH, 1 - (top + tall) / height, width / WIDTH, tall / height))

    def label(text: str, top: float, **style: Any) -> None:
        """Write a row label ``top`` inches below the upper edge."""
        figure.text(MARGIN / WIDTH, 1 - top / height, text, color=INK, **{"va": "center", "fontsize": 11, **style})

    shown = [int((i + 0.5) / NUM_SHOWN * num_frames) for i in range(NUM_SHOWN)]
    maximum = float(captured.scale_weights[shown].max())
    label("frames", HEADER + side / 2)
    for s, stride in enumerate(strides):
        mean = captured.scale_weights[:, s].mean()
        label(f"motion at stride {stride}\nmean weight {mean:.0%}", weights_top + (s + 0.5) * side, linespacing=1.4)
    for i, frame in enumerate(shown):
        left, inner = LEFT + i * side + 0.03, side - 0.06
        _plot_frame(axes(left, HEADER, inner, inner), frames[frame])
        for s in range(len(strides)):
            ax = axes(left, weights_top + s * side, inner, inner)
            _plot_weights(ax, frames[frame], captured.scale_weights[frame, s], maximum)
    _plot_scale(axes(WIDTH - RIGHT + 0.1, weights_top + 0.1, 0.16, len(strides) * side - 0.26), maximum)

    edges = np.append(seconds, 2 * seconds[-1] - seconds[-2] if num_frames > 1 else seconds[-1] + 1)
    label("share of positions where\na scale has the top weight", shares_top + SHARES / 2, linespacing=1.4)
    _plot_shares(axes(LEFT, shares_top, WIDTH - LEFT - RIGHT, SHARES), edges, captured.scale_weights, strides)
    order = [n for members in au_set.members for n in members]
    _plot_patterns(axes(LEFT, aus_top, WIDTH - LEFT - RIGHT, num_aus * ROW), edges, captured, truth, au_set, order)
    for row, n in enumerate(order):
        label(f"{au_column(au_set.aus[n])} {au_name(au_set.aus[n])}", aus_top + (row + 0.5) * ROW, fontsize=10)

    label("Graph attention of each target AU (row) to the message AUs (columns), mean over the clip, in %",
          graph_top - 0.62, fontsize=12, fontweight="bold")  # fmt: skip
    attention = captured.attention.mean(0)
    side = GRAPH - 0.3
    _plot_matrix(axes(1.35, graph_top, side, side), attention, captured.active, au_set, order)
    _plot_arrows(axes(WIDTH - side - 0.9, graph_top - 0.1, side + 0.3, side + 0.3), attention, au_set, order)
    return figure


def _plot_frame(ax: Axes, frame: np.ndarray) -> None:
    ax.imshow(frame)
    ax.set_axis_off()


def _plot_weights(ax: Axes, frame: np.ndarray, weights: np.ndarray, maximum: float) -> None:
    """Overlay the weights ``(H', W')`` on the frame in gray."""
    height, width, _ = frame.shape
    ax.imshow(frame.mean(-1), cmap="gray", vmin=0, vmax=255)
    ax.imshow(weights, cmap=WEIGHTS, vmin=0, vmax=maximum, alpha=0.62, extent=(-0.5, width - 0.5, height - 0.5, -0.5))
    ax.set_axis_off()


def _plot_scale(ax: Axes, maximum: float) -> None:
    """Plot the color bar."""
    ax.imshow(np.linspace(maximum, 0, 100)[:, None], cmap=WEIGHTS, aspect="auto", extent=(0, 1, 0, 100 * maximum))
    ax.yaxis.tick_right()
    ax.set(xticks=[], ylabel="scale weight in %")
    ax.yaxis.set_label_position("right")
    ax.tick_params(labelsize=9.5, colors=INK, length=2)
    ax.yaxis.label.set(fontsize=9.5, color=INK)
    ax.spines[:].set(color="#AAAAAA", linewidth=0.6)


def _plot_shares(ax: Axes, edges: np.ndarray, weights: np.ndarray, strides: tuple[int, ...]) -> None:
    """Plot the share of positions where each scale has the largest weight as stacked bands."""
    largest = weights.argmax(1)  # T H' W'
    below = np.zeros(len(weights))
    for s, stride in enumerate(strides):
        above = below + (largest == s).mean((1, 2))
        ax.stairs(above, edges, baseline=below, fill=True, color=SCALE_COLORS[s], lw=0, label=f"stride {stride}")
        below = above
    ax.set(xlim=(edges[0], edges[-1]), ylim=(0, 1), xticks=[], yticks=[])
    ax.spines[:].set(color="#AAAAAA", linewidth=0.6)
    handles = [Patch(color=SCALE_COLORS[s], lw=0, label=f"stride {stride}") for s, stride in enumerate(strides)]
    ax.legend(handles=handles[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9,
              handlelength=0.8, handletextpad=0.4, labelcolor=INK)  # fmt: skip


def _plot_patterns(
    ax: Axes, edges: np.ndarray, captured: CapturedWeights, truth: np.ndarray, au_set: ActionUnitSet, order: list[int]
) -> None:
    """Plot one row per action unit, sorted by region: ground truth above, predicted region pattern below."""
    for row, n in enumerate(order):
        ax.stairs(np.where(truth[:, n] == 1, row + 0.08, row + 0.58), edges, baseline=row + 0.58, fill=True,
                  color=TRUE_COLOR, lw=0)  # fmt: skip
        ax.stairs(np.where(captured.active[:, n], row + 0.9, row + 0.62), edges, baseline=row + 0.62, fill=True,
                  color=SCORE_COLOR, lw=0)  # fmt: skip
    ax.hlines(np.arange(1, len(order)), edges[0], edges[-1], color="#DDDDDD", lw=0.6)
    ends = np.cumsum([len(members) for members in au_set.members])
    ax.hlines(ends[:-1], edges[0], edges[-1], color="#888888", lw=1.2)
    for end, group in zip(ends, au_set.groups, strict=True):
        ax.text(1.012, end - len(group.aus) / 2, group.name, transform=ax.get_yaxis_transform(), va="center",
                fontsize=10, color=INK)  # fmt: skip
    ax.set(xlim=(edges[0], edges[-1]), ylim=(len(order), 0), yticks=[])
    ax.tick_params(labelsize=10, colors=INK)
    ax.set_xlabel("seconds", fontsize=10.5, color=INK, labelpad=1)
    ax.spines[:].set(color="#AAAAAA", linewidth=0.6)
    handles = [
        Patch(color=TRUE_COLOR, label="active (ground truth)"),
        Patch(color=SCORE_COLOR, lw=0, label="active in the predicted pattern of its region"),
    ]
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(-0.01, -0.1), frameon=False, fontsize=10,
              labelcolor=INK, ncols=2, handlelength=1.2, columnspacing=1.2)  # fmt: skip


def _plot_matrix(ax: Axes, attention: np.ndarray, active: np.ndarray, au_set: ActionUnitSet, order: list[int]) -> None:
    """Plot ``(N, N)`` in percent, sorted by region; the last row is the share of frames with an open gate."""
    shown = attention[np.ix_(order, order)]
    names = [au_set.columns[n] for n in order]
    ax.imshow(shown, cmap=SHADES, vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(shown):
        if value >= 0.005:
            ax.text(column, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=9,
                    color="white" if value > 0.72 else INK)  # fmt: skip
    ends = np.cumsum([len(members) for members in au_set.members])[:-1] - 0.5
    ax.hlines(ends, -0.5, len(order) - 0.5, color="#888888", lw=1)
    ax.vlines(ends, -0.5, len(order) - 0.5, color="#888888", lw=1)
    ax.set_yticks(range(len(order)), names)
    ax.set_xticks(range(len(order)), names)
    ax.tick_params(top=False, bottom=False, left=False, labeltop=True, labelbottom=False, labelsize=9, colors=INK)
    for column, n in enumerate(order):
        ax.text(column, len(order) - 0.3, f"{100 * active[:, n].mean():.0f}", ha="center", va="top", fontsize=9,
                color=SCORE_COLOR)  # fmt: skip
    ax.text(-0.7, len(order) - 0.3, "in pattern, %", ha="right", va="top", fontsize=9, color=SCORE_COLOR)
    ax.spines[:].set(color="#AAAAAA", linewidth=0.6)


def _plot_arrows(ax: Axes, attention: np.ndarray, au_set: ActionUnitSet, order: list[int]) -> None:
    """Plot the action units on a circle, sorted by region; arrows point from message node to target node."""
    angles = np.pi / 2 - 2 * np.pi * (np.arange(len(order)) + 0.5) / len(order)
    position = {n: np.array([np.cos(angle), np.sin(angle)]) for n, angle in zip(order, angles, strict=True)}
    for i in order:
        for j in order:
            if i != j and attention[i, j] >= MIN_ARROW:
                ax.add_patch(FancyArrowPatch(
                    tuple(position[j]), tuple(position[i]), connectionstyle="arc3,rad=0.15", arrowstyle="-|>",
                    mutation_scale=8 + 14 * attention[i, j], lw=0.4 + 7 * attention[i, j], shrinkA=15, shrinkB=15,
                    color=GROUP_COLORS[au_set.group_of[j]], alpha=0.35 + 0.55 * attention[i, j]))  # fmt: skip
    for n, (x, y) in position.items():
        ax.scatter(x, y, s=620, color=GROUP_COLORS[au_set.group_of[n]], zorder=3)
        ax.text(x, y, f"{au_set.aus[n]}", ha="center", va="center", fontsize=11, color="white", fontweight="bold",
                zorder=4)  # fmt: skip
    ax.set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25), aspect="equal")
    ax.set_axis_off()
    handles = [
        Line2D([], [], marker="o", ls="", ms=9, color=GROUP_COLORS[r], label=group.name)
        for r, group in enumerate(au_set.groups)
    ]
    ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, -0.06), ncols=len(handles), frameon=False,
              fontsize=10, labelcolor=INK, handletextpad=0.2, columnspacing=1.2)  # fmt: skip
    ax.set_title(
        f"attention of at least {100 * MIN_ARROW:.0f} %; arrows point to the target AU",
        fontsize=10.5,
        color=INK,
        y=1,
    )
