"""HTML of a scored video: one frame with its scores, and the timelines of a track."""

from base64 import b64encode
from html import escape

import numpy as np

from mdhr.action_units.facs import au_column, au_name
from mdhr.inference.app.scored_video import ScoredVideo

MAX_COLUMNS = 1000
"""Columns of a timeline; in a longer track, each shows the highest score of its frames."""
NUM_TICKS = 6
CURVE_HEIGHT, BAR_HEIGHT = 100, 16
"""Heights of the curve and of the bar below it, in units of the SVG view box."""


def frame_html(video: ScoredVideo, track: int, position: int, threshold: float) -> str:
    """Return the face at a position of a track, its scores, and the share of active frames of the track.

    The share counts frames with a detected face only. The style element moves the cursor in the timelines.
    """
    scores, thresholds = video.detected_scores(track), video.thresholds(threshold)
    found = ~np.isnan(scores[:, 0])
    active_share = (scores[found] >= thresholds).mean(0)
    seconds = video.seconds(track)[position]
    frame = video.faces.tracks[track].first + position
    thumbnail = b64encode(video.thumbnail(track, position)).decode()
    note = "" if found[position] else " · no face found"
    rows = "".join(
        f'<tr class="{"active" if score >= limit else ""}"><th><b>{au_column(au)}</b> {au_name(au)}</th>'
        f'<td class="bar"><div><i style="width:{0 if np.isnan(score) else 100 * score:.1f}%"></i>'
        f'<u style="left:{100 * limit:.1f}%"></u></div></td>'
        f"<td>{'' if np.isnan(score) else f'{score:.2f}'}</td><td>{share:.0%}</td></tr>"
        for au, score, limit, share in zip(video.au_set.aus, scores[position], thresholds, active_share, strict=True)
    )
    return (
        f"<style>.timelines{{--cursor:{(position + 0.5) / len(scores):.5f}}}</style>"
        f'<div class="frame-view"><figure><img alt="face in frame {frame}" src="data:image/jpeg;base64,{thumbnail}">'
        f"<figcaption>frame {frame} · {seconds:.2f} s{note}</figcaption></figure>"
        '<table><thead><tr><th>action unit</th><th colspan="2">score in this frame</th>'
        f'<th title="share of the frames with a face">active in</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def timelines_html(video: ScoredVideo, track: int, threshold: float) -> str:
    """Return the timelines of a track: per action unit the score as a curve, and bars where it is active."""
    scores, thresholds = _downsample(video.detected_scores(track)), video.thresholds(threshold)
    length = len(scores)
    gaps = _intervals(np.isnan(scores[:, 0]))
    rows = "".join(
        f'<div class="name"><b>{au_column(au)}</b> <span>{au_name(au)}</span></div>'
        f'<div class="plot"><svg viewBox="0 0 {length} {CURVE_HEIGHT + 2 * BAR_HEIGHT}" preserveAspectRatio="none">'
        f'<path class="gap" d="{_boxes(gaps, 0, CURVE_HEIGHT + 2 * BAR_HEIGHT)}"/>'
        f'<path class="limit" d="M0 {CURVE_HEIGHT * (1 - thresholds[n]) + 4:.1f}h{length}"/>'
        f'<path class="score" d="{_curve(scores[:, n])}"/>'
        f'<path class="on" d="{_boxes(_intervals(scores[:, n] >= thresholds[n]), CURVE_HEIGHT + BAR_HEIGHT - 4, BAR_HEIGHT)}"'
        "/></svg></div>"
        for n, au in enumerate(video.au_set.aus)
    )
    seconds = video.seconds(track)
    ticks = [seconds[round(share * (len(seconds) - 1))] for share in np.linspace(0, 1, NUM_TICKS)]
    digits = 1 if ticks[-1] - ticks[0] < 60 else 0
    axis = "".join(f"<span>{tick:.{digits}f}</span>" for tick in ticks)
    value = f" {thresholds[0]:.2f}" if len(set(thresholds.tolist())) == 1 else ""
    gap_legend = '<i class="gap"></i>no face found' if gaps else ""
    return (
        f'<div class="timelines">{rows}<div class="name soft">s<span>econds</span></div><div class="axis">{axis}</div>'
        f'<p class="legend"><i class="score"></i>score, 0 to 1<i class="limit"></i>threshold{value}'
        f'<i class="on"></i>active{gap_legend}</p></div>'
    )


def note_html(text: str, css_class: str = "") -> str:
    """Return an escaped line of text; ``css_class`` is ``error`` for errors."""
    return f'<p class="note {css_class}">{escape(text)}</p>' if text else ""


def progress_html(share: float, text: str) -> str:
    """Return a progress bar with a line of text."""
    return f'<div class="work"><div><i style="width:{share:.1%}"></i></div>{escape(text)}</div>'


def _downsample(scores: np.ndarray) -> np.ndarray:
    """Return ``(F, N)`` scores with at most ``MAX_COLUMNS`` rows; NaN where all frames of a row are NaN."""
    if len(scores) <= MAX_COLUMNS:
        return scores
    return np.fmax.reduceat(scores, np.arange(MAX_COLUMNS) * len(scores) // MAX_COLUMNS)


def _curve(score: np.ndarray) -> str:
    """Return the SVG path through the centers of the columns, interrupted at gaps."""
    path, command = [], "M"
    for x, value in enumerate(score):
        if np.isnan(value):
            command = "M"
            continue
        path.append(f"{command}{x + 0.5} {CURVE_HEIGHT * (1 - value) + 4:.1f}")
        command = "L"
    return "".join(path)


def _intervals(mask: np.ndarray) -> list[tuple[int, int]]:
    """Return first column and length of every run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(first), int(end - first)) for first, end in edges.reshape(-1, 2)]


def _boxes(intervals: list[tuple[int, int]], top: int, height: int) -> str:
    return "".join(f"M{first} {top}h{length}v{height}h-{length}z" for first, length in intervals)
