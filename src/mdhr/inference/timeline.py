"""Timeline figure of a video: some of its frames, and one row per action unit.

A row contains the score over time, a blue band where the action unit is active in the ground truth, and an orange bar
below it where the action unit is predicted active. The two hues are distinguishable with all common types of color
blindness (Okabe and Ito 2008).
"""

import warnings
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mdhr.action_units import ActionUnitSet
from mdhr.action_units.facs import au_column, au_name
from mdhr.data.video.frame import median_interval
from mdhr.files.atomic import temporary_path

TRUE_COLOR = "#9CCBEB"
SCORE_COLOR = "#D55E00"
NO_FACE_COLOR = "#DDDDDD"
INK = "#333333"

WIDTH, DPI = 14.0, 100
LEFT, RIGHT = 2.6, 1.2
ROW, HEADER, FOOTER = 0.48, 0.98, 0.80
"""Sizes in inches; the left margin contains the names, the right margin a column of numbers."""
NUM_FRAMES_SHOWN = 9

TOP, BOTTOM = 1.06, -0.32
"""Limits of the y axis of a row; scores are above 0, the bar of active predictions below."""


def plot_timeline(
    path: Path,
    *,
    au_set: ActionUnitSet,
    frames: np.ndarray | None,
    seconds: np.ndarray,
    scores: np.ndarray,
    threshold: float | np.ndarray,
    title: str,
    note: str,
    truth: np.ndarray | None = None,
    face_found: np.ndarray | None = None,
) -> None:
    """Write the figure to the PNG file ``path``.

    Args:
        frames: ``(K, H, W, 3)`` uint8 RGB, all frames or evenly spaced ones, of which nine are shown. None shows none.
        seconds: ``(F,)`` increasing time stamps.
        scores: ``(F, N)`` in [0, 1]; NaN without a face.
        threshold: smallest score that counts as active, one number or ``(N,)``.
        note: one or two lines below the title.
        truth: ``(F, N)`` ground-truth occurrence, -1 if unknown. None plots the scores only.
        face_found: ``(F,)`` boolean; frames without a face are gray.

    Raises ``InputError`` if the file cannot be written.
    """
    num_aus = scores.shape[1]
    edges = np.append(seconds, seconds[-1] + median_interval(seconds, default=1.0))

    plot_width = WIDTH - LEFT - RIGHT
    frame_size = plot_width / NUM_FRAMES_SHOWN if frames is not None else 0.2
    height = HEADER + frame_size + num_aus * ROW + FOOTER
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")

    def add_axes(left: float, top: float, axes_width: float, axes_height: float) -> Axes:
        """Add axes; position of the upper left corner and size in inches from the upper left corner of the figure."""
        bottom = 1 - (top + axes_height) / height
        return figure.add_axes((left / WIDTH, bottom, axes_width / WIDTH, axes_height / height))

    figure.text(0.2 / WIDTH, 1 - 0.14 / height, title, fontsize=15, fontweight="bold", va="top", color=INK)
    figure.text(0.2 / WIDTH, 1 - 0.48 / height, note, fontsize=10.5, va="top", color=INK, linespacing=1.3)

    for i in range(0 if frames is None else NUM_FRAMES_SHOWN):
        assert frames is not None
        middle = min(int((i + 0.5) / NUM_FRAMES_SHOWN * len(frames)), len(frames) - 1)
        ax = add_axes(LEFT + i * frame_size + 0.03, HEADER, frame_size - 0.06, frame_size - 0.06)
        ax.imshow(frames[middle])
        ax.set_axis_off()

    rows_top = HEADER + frame_size
    thresholds = np.broadcast_to(threshold, num_aus)
    row = None
    for n, au in enumerate(au_set.aus):
        row = add_axes(LEFT, rows_top + n * ROW, plot_width, ROW)
        au_truth = None if truth is None else truth[:, n]
        _plot_row(row, edges, scores[:, n], threshold=thresholds[n], truth=au_truth, face_found=face_found)
        row.set_ylabel(f"{au_column(au)} {au_name(au)}", rotation=0, ha="left", va="center", fontsize=11, color=INK)
        row.yaxis.set_label_coords(-(LEFT - 0.2) / plot_width, 0.5)
        row.text(1.012, 0.5, _percentage(scores[:, n], thresholds[n], au_truth), transform=row.transAxes, va="center",
                 fontsize=11, color=INK)  # fmt: skip
    assert row is not None
    row.tick_params(bottom=True, labelbottom=True, labelsize=10, colors=INK)
    row.set_xlabel("seconds", fontsize=10.5, color=INK)

    heading = "active frames" if truth is None else "correct frames"
    figure.text(
        1 - (RIGHT - 0.1) / WIDTH, 1 - (rows_top - 0.06) / height, heading, fontsize=9.5, va="bottom", color=INK
    )
    figure.legend(
        handles=_legend(thresholds, truth is not None, face_found is not None and not face_found.all()),
        loc="lower left", bbox_to_anchor=(0.1 / WIDTH, 0.02 / height), ncols=5, frameon=False, fontsize=10.5,
    )  # fmt: skip
    with temporary_path(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # file names in the title may use any script
        figure.savefig(temporary, format="png")


def _plot_row(
    ax: Axes,
    edges: np.ndarray,
    score: np.ndarray,
    *,
    threshold: float,
    truth: np.ndarray | None,
    face_found: np.ndarray | None,
) -> None:
    """Plot one action unit; frame ``f`` extends from ``edges[f]`` to ``edges[f + 1]``."""
    if face_found is not None:
        ax.stairs(np.where(face_found, BOTTOM, TOP), edges, baseline=BOTTOM, fill=True, color=NO_FACE_COLOR, lw=0)
    if truth is not None:
        ax.stairs(np.where(truth == 1, TOP, 0), edges, baseline=0, fill=True, color=TRUE_COLOR, lw=0)
    predicted = np.where(score >= threshold, -0.04, BOTTOM + 0.04)
    ax.stairs(predicted, edges, baseline=BOTTOM + 0.04, fill=True, color=SCORE_COLOR, lw=0)
    ax.axhline(threshold, color=INK, lw=0.7, ls=(0, (4, 4)))
    ax.plot((edges[:-1] + edges[1:]) / 2, score, color=SCORE_COLOR, lw=1.5)
    ax.set(xlim=(edges[0], edges[-1]), ylim=(BOTTOM, TOP), yticks=[])
    ax.tick_params(bottom=False, labelbottom=False)
    for side in ax.spines.values():
        side.set(color="#AAAAAA", linewidth=0.6)


def _percentage(score: np.ndarray, threshold: float, truth: np.ndarray | None) -> str:
    """Return the share of correct frames; without ground truth, the share of scored frames that are active."""
    active = score >= threshold
    if truth is None:
        return f"{active[~np.isnan(score)].mean():4.0%}" if not np.isnan(score).all() else ""
    known = truth >= 0
    return f"{(active == (truth == 1))[known].mean():4.0%}" if known.any() else "unknown"


def _legend(thresholds: np.ndarray, with_truth: bool, with_gaps: bool) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [Patch(color=TRUE_COLOR, label="active (ground truth)")] if with_truth else []
    same = len(set(thresholds.tolist())) == 1
    handles += [
        Line2D([], [], color=SCORE_COLOR, lw=1.7, label="score, 0 to 1"),
        Line2D(
            [], [], color=INK, lw=0.7, ls=(0, (4, 4)), label=f"threshold {thresholds[0]:g}" if same else "threshold"
        ),
        Patch(color=SCORE_COLOR, lw=0, label="predicted active"),
    ]
    return [*handles, Patch(color=NO_FACE_COLOR, label="no face found")] if with_gaps else handles
