"""One picture of one video: its frames above the timeline of every action unit.

Blue says when an action unit was really active, the orange bar below it when the network says so: where bar and band
have the same ends the network is right. The curve is the network's score. The two hues are told apart by every common
kind of color blindness (Okabe and Ito 2008).

Letters: F frames, N action units.
"""

import warnings
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mdhr.action_units import AU_NAMES, ActionUnitSet
from mdhr.files.atomic import temporary_path

TRUE_COLOR = "#9CCBEB"
SCORE_COLOR = "#D55E00"
NO_FACE_COLOR = "#DDDDDD"
INK = "#333333"

WIDTH = 14.0  # inches, at 100 dots an inch
LEFT, RIGHT = 2.6, 1.2  # margins for the names and the column of numbers
ROW = 0.48
HEADER, FOOTER = 0.98, 0.80
NUM_PICTURES = 9

TOP, BOTTOM = 1.06, -0.32  # of a row, in units of the score; what the network calls active lies below 0


def draw_timeline(
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
    """Write the picture to ``path`` (PNG); the file appears whole or not at all.

    Parameters
    ----------
    frames: ``K H W 3`` uint8 RGB, all frames or evenly spaced ones; of these some are shown above their place in time.
        None shows none.
    seconds: ``F`` increasing.
    scores: ``F N`` in [0, 1], NaN where there is none; from ``threshold`` on, one number or ``N``, the action unit
        counts as active.
    note: one or two lines below the title that say what is seen.
    truth: ``F N`` occurrence, -1 where it is not known; without it only the scores are drawn.
    face_found: ``F`` boolean; stretches without a face are grayed.
    """
    num_frames, num_aus = scores.shape
    step = float(np.median(np.diff(seconds))) if num_frames > 1 else 1.0
    edges = np.append(seconds, seconds[-1] + step)

    plot_width = WIDTH - LEFT - RIGHT
    picture = plot_width / NUM_PICTURES if frames is not None else 0.2
    height = HEADER + picture + num_aus * ROW + FOOTER
    figure = Figure(figsize=(WIDTH, height), dpi=100, facecolor="white")

    def axes(left: float, top: float, width: float, tall: float) -> Axes:
        """Axes of that place and size in inches, counted from the upper left corner."""
        return figure.add_axes((left / WIDTH, 1 - (top + tall) / height, width / WIDTH, tall / height))

    figure.text(0.2 / WIDTH, 1 - 0.14 / height, title, fontsize=15, fontweight="bold", va="top", color=INK)
    figure.text(0.2 / WIDTH, 1 - 0.48 / height, note, fontsize=10.5, va="top", color=INK, linespacing=1.3)

    for i in range(0 if frames is None else NUM_PICTURES):
        assert frames is not None
        # The frame in the middle of the stretch of time that the picture covers.
        f = min(int((i + 0.5) / NUM_PICTURES * len(frames)), len(frames) - 1)
        ax = axes(LEFT + i * picture + 0.03, HEADER, picture - 0.06, picture - 0.06)
        ax.imshow(frames[f])
        ax.set_axis_off()

    rows = HEADER + picture
    thresholds = np.broadcast_to(threshold, num_aus)
    last = None
    for n, au in enumerate(au_set.aus):
        last = axes(LEFT, rows + n * ROW, plot_width, ROW)
        known = None if truth is None else truth[:, n]
        _draw_row(last, edges, scores[:, n], threshold=thresholds[n], truth=known, face_found=face_found)
        last.set_ylabel(f"AU{au} {AU_NAMES[au]}", rotation=0, ha="left", va="center", fontsize=11, color=INK)
        last.yaxis.set_label_coords(-(LEFT - 0.2) / plot_width, 0.5)
        last.text(1.012, 0.5, _summary(scores[:, n], thresholds[n], known), transform=last.transAxes, va="center",
                  fontsize=11, color=INK)  # fmt: skip
    assert last is not None
    last.tick_params(bottom=True, labelbottom=True, labelsize=10, colors=INK)
    last.set_xlabel("seconds", fontsize=10.5, color=INK)

    heading = "frames active" if truth is None else "frames right"
    figure.text(1 - (RIGHT - 0.1) / WIDTH, 1 - (rows - 0.06) / height, heading, fontsize=9.5, va="bottom", color=INK)
    figure.legend(
        handles=_legend(thresholds, truth is not None, face_found is not None and not face_found.all()),
        loc="lower left", bbox_to_anchor=(0.1 / WIDTH, 0.02 / height), ncols=5, frameon=False, fontsize=10.5,
    )  # fmt: skip
    with temporary_path(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a title may be in any script
        figure.savefig(temporary, format="png")


def _draw_row(
    ax: Axes,
    edges: np.ndarray,
    score: np.ndarray,
    *,
    threshold: float,
    truth: np.ndarray | None,
    face_found: np.ndarray | None,
) -> None:
    """One action unit: every frame is a step from its own edge to the next (``F + 1`` edges)."""
    if face_found is not None:
        ax.stairs(np.where(face_found, BOTTOM, TOP), edges, baseline=BOTTOM, fill=True, color=NO_FACE_COLOR, lw=0)
    if truth is not None:
        ax.stairs(np.where(truth == 1, TOP, 0), edges, baseline=0, fill=True, color=TRUE_COLOR, lw=0)
    called = np.where(score >= threshold, -0.04, BOTTOM + 0.04)
    ax.stairs(called, edges, baseline=BOTTOM + 0.04, fill=True, color=SCORE_COLOR, lw=0)
    ax.axhline(threshold, color=INK, lw=0.7, ls=(0, (4, 4)))
    ax.plot((edges[:-1] + edges[1:]) / 2, score, color=SCORE_COLOR, lw=1.5)
    ax.set(xlim=(edges[0], edges[-1]), ylim=(BOTTOM, TOP), yticks=[])
    ax.tick_params(bottom=False, labelbottom=False)
    for side in ax.spines.values():
        side.set(color="#AAAAAA", linewidth=0.6)


def _summary(score: np.ndarray, threshold: float, truth: np.ndarray | None) -> str:
    """Share of frames that the network calls rightly; where the truth is not known, of scored ones it calls active."""
    active = score >= threshold
    if truth is None:
        return f"{active[~np.isnan(score)].mean():4.0%}" if not np.isnan(score).all() else ""
    known = truth >= 0
    return f"{(active == (truth == 1))[known].mean():4.0%}" if known.any() else "not known"


def _legend(thresholds: np.ndarray, with_truth: bool, with_gaps: bool) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [Patch(color=TRUE_COLOR, label="really active")] if with_truth else []
    same = len(set(thresholds.tolist())) == 1
    handles += [
        Line2D([], [], color=SCORE_COLOR, lw=1.7, label="score of the network, 0 to 1"),
        Line2D(
            [], [], color=INK, lw=0.7, ls=(0, (4, 4)), label=f"threshold {thresholds[0]:g}" if same else "threshold"
        ),
        Patch(color=SCORE_COLOR, lw=0, label="network says active"),
    ]
    return [*handles, Patch(color=NO_FACE_COLOR, label="no face found")] if with_gaps else handles
