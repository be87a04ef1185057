"""What the page of :mod:`mdhr.inference.app.server` shows of a scored video, as HTML: a moment of it, and its timelines.

Everything that follows the threshold is drawn anew with it. The cursor in the timelines stands where the moment, drawn
after them, says.
"""

from base64 import b64encode
from html import escape

import numpy as np

from mdhr.action_units import AU_NAMES
from mdhr.inference.app.session import Session

COLUMNS = 1000
"""Of a timeline at most; of a longer one each column shows the highest score of its frames."""
NUM_TICKS = 6
HEIGHT, BAR = 100, 16
"""Of a timeline, in units of its picture: scores, and below them the bar of what counts as active."""


def moment_html(session: Session, track: int, position: int, threshold: float) -> str:
    """The face at a position in its track (both from 0), the scores there, and how often each is active in the track.

    How often: share of the frames in which the face was found.
    """
    scores = session.seen_scores(track)
    found = ~np.isnan(scores[:, 0])
    share = (scores[found] >= threshold).mean(0)
    seconds = session.seconds(track)[position]
    frame = session.found.tracks[track].first + position
    picture = b64encode(session.picture(track, position)).decode()
    note = "" if found[position] else " · no face found here"
    rows = "".join(
        f'<tr class="{"active" if score >= threshold else ""}"><th><b>AU{au}</b> {AU_NAMES[au]}</th>'
        f'<td class="bar"><div><i style="width:{0 if np.isnan(score) else 100 * score:.1f}%"></i>'
        f'<u style="left:{100 * threshold:.1f}%"></u></div></td>'
        f"<td>{'' if np.isnan(score) else f'{score:.2f}'}</td><td>{often:.0%}</td></tr>"
        for au, score, often in zip(session.au_set.aus, scores[position], share, strict=True)
    )
    return (
        f"<style>.timelines{{--cursor:{(position + 0.5) / len(scores):.5f}}}</style>"
        f'<div class="moment"><figure><img alt="the face in frame {frame}" src="data:image/jpeg;base64,{picture}">'
        f"<figcaption>frame {frame} · {seconds:.2f} s{note}</figcaption></figure>"
        '<table><thead><tr><th>action unit</th><th colspan="2">in this frame</th>'
        f'<th title="of the frames with a face">active in</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def timelines_html(session: Session, track: int, threshold: float) -> str:
    """The scores of a track over time: a curve for each action unit, a bar below it where it counts as active."""
    scores = _columns(session.seen_scores(track))
    length = len(scores)
    gaps = _runs(np.isnan(scores[:, 0]))
    rows = "".join(
        f'<div class="name"><b>AU{au}</b> <span>{AU_NAMES[au]}</span></div>'
        f'<div class="plot"><svg viewBox="0 0 {length} {HEIGHT + 2 * BAR}" preserveAspectRatio="none">'
        f'<path class="gap" d="{_boxes(gaps, 0, HEIGHT + 2 * BAR)}"/>'
        f'<path class="limit" d="M0 {HEIGHT * (1 - threshold) + 4:.1f}h{length}"/>'
        f'<path class="score" d="{_curve(scores[:, n])}"/>'
        f'<path class="on" d="{_boxes(_runs(scores[:, n] >= threshold), HEIGHT + BAR - 4, BAR)}"/></svg></div>'
        for n, au in enumerate(session.au_set.aus)
    )
    seconds = session.seconds(track)
    ticks = [seconds[round(share * (len(seconds) - 1))] for share in np.linspace(0, 1, NUM_TICKS)]
    digits = 1 if ticks[-1] - ticks[0] < 60 else 0
    axis = "".join(f"<span>{tick:.{digits}f}</span>" for tick in ticks)
    gray = '<i class="gap"></i>no face found' if gaps else ""
    return (
        f'<div class="timelines">{rows}<div class="name soft">s<span>econds</span></div><div class="axis">{axis}</div>'
        f'<p class="legend"><i class="score"></i>score, 0 to 1<i class="limit"></i>threshold {threshold:.2f}'
        f'<i class="on"></i>counts as active{gray}</p></div>'
    )


def note_html(text: str, kind: str = "") -> str:
    """A line of text; ``kind``: ``wrong`` for what has to be mended."""
    return f'<p class="note {kind}">{escape(text)}</p>' if text else ""


def _columns(scores: np.ndarray) -> np.ndarray:
    """``(up to COLUMNS, N)`` of ``(F, N)`` scores; NaN where all frames of a column are."""
    if len(scores) <= COLUMNS:
        return scores
    return np.fmax.reduceat(scores, np.arange(COLUMNS) * len(scores) // COLUMNS)


def _curve(score: np.ndarray) -> str:
    """Path through the middles of the columns, anew after every gap."""
    path, pen = [], "M"
    for x, value in enumerate(score):
        if np.isnan(value):
            pen = "M"
            continue
        path.append(f"{pen}{x + 0.5} {HEIGHT * (1 - value) + 4:.1f}")
        pen = "L"
    return "".join(path)


def _runs(on: np.ndarray) -> list[tuple[int, int]]:
    """First column and number of columns of every stretch that is on."""
    turns = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(np.int8)))
    return [(int(first), int(end - first)) for first, end in turns.reshape(-1, 2)]


def _boxes(runs: list[tuple[int, int]], top: int, height: int) -> str:
    return "".join(f"M{first} {top}h{length}v{height}h-{length}z" for first, length in runs)
