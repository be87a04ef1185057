"""A video again, with a box around every face and the scores of its action units beside it.

Orange is what the network calls active, as in the timelines; the tick on a bar is the threshold.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np

Color = tuple[int, int, int]
ACTIVE: Color = (213, 94, 0)
QUIET: Color = (156, 203, 235)
PAPER: Color = (20, 20, 20)
INK: Color = (255, 255, 255)
BOXES: tuple[Color, ...] = ((255, 255, 255), (86, 180, 233), (0, 158, 115), (240, 228, 66), (204, 121, 167))
"""Of the tracks, one after the other."""
FONT = cv2.FONT_HERSHEY_SIMPLEX
SHORTEST, LONGEST = 800, 1920
"""Pixels of the longer side: smaller videos are enlarged so that the numbers can be read, larger ones reduced."""
DARK = 0.65
"""How much of the picture the paper below the bars hides."""


class Annotation(NamedTuple):
    """What is known of a face in a frame."""

    track: int
    """From 1."""
    box: np.ndarray
    """``(4,)`` x, y, width, height in pixels of the source."""
    scores: np.ndarray
    """``(N,)`` in [0, 1]."""


def annotate(
    frames: Iterable[tuple[float, np.ndarray]],
    annotations: Iterable[Sequence[Annotation]],
    *,
    names: Sequence[str],
    thresholds: np.ndarray,
) -> Iterator[tuple[float, np.ndarray]]:
    """Draw on the frames of a video.

    Parameters
    ----------
    frames: seconds and pictures ``(H, W, 3)`` uint8 RGB; annotations: of every frame.
    names: of the N action units; thresholds: ``(N,)``.

    Yields seconds and pictures, all of one size, whose width and height are even.
    """
    size: tuple[int, int] | None = None
    for (seconds, frame), known in zip(frames, annotations, strict=True):
        size = size or _even_size(frame)
        scale = size[0] / frame.shape[1]
        area = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        picture = np.ascontiguousarray(cv2.resize(frame, size, interpolation=area))
        for each in known:
            _draw_box(picture, each.box * scale, each.track)
        taken = [each.box * scale for each in known]
        for each in known:
            taken.append(_draw_bars(picture, each, each.box * scale, taken, names, thresholds))
        yield seconds, picture


def _even_size(frame: np.ndarray) -> tuple[int, int]:
    """Width and height to draw in."""
    longer = max(frame.shape[:2])
    scale = min(max(longer, SHORTEST), LONGEST) / longer
    return tuple(max(2, round(side * scale / 2) * 2) for side in frame.shape[1::-1])  # type: ignore[return-value]


def _unit(picture: np.ndarray) -> float:
    """Height of a line of text in pixels."""
    return max(14.0, max(picture.shape[:2]) / 48)


def _draw_box(picture: np.ndarray, box: np.ndarray, track: int) -> None:
    line = _unit(picture)
    color = BOXES[(track - 1) % len(BOXES)]
    x, y, right, bottom = np.concatenate([box[:2], box[:2] + box[2:]]).round().astype(int).tolist()
    cv2.rectangle(picture, (x, y), (right, bottom), color, max(1, round(line / 10)), cv2.LINE_AA)
    top = max(y - round(line * 1.1), 0)
    (width, _), _ = cv2.getTextSize(str(track), FONT, line / 28, 1)
    cv2.rectangle(picture, (x, top), (x + width + round(line * 0.6), top + round(line * 1.1)), color, cv2.FILLED)
    place = (x + round(line * 0.3), top + round(line * 0.85))
    cv2.putText(picture, str(track), place, FONT, line / 28, PAPER, max(1, round(line / 14)), cv2.LINE_AA)


def _draw_bars(
    picture: np.ndarray,
    of: Annotation,
    box: np.ndarray,
    taken: Sequence[np.ndarray],
    names: Sequence[str],
    thresholds: np.ndarray,
) -> np.ndarray:
    """Draw the scores of a face on the side with more room; returns the place taken, as a box."""
    height, width = picture.shape[:2]
    line = min(_unit(picture), height / (len(names) + 1))
    panel = np.array([line * 7.2, line * (len(names) + 0.5)])
    top = np.clip(box[1] + box[3] / 2 - panel[1] / 2, 0, max(height - panel[1], 0))
    gap = line / 2
    sides = [np.array([box[0] + box[2] + gap, top, *panel]), np.array([box[0] - gap - panel[0], top, *panel])]
    for side in sides:
        side[0] = np.clip(side[0], 0, max(width - panel[0], 0))
    place = min(sides, key=lambda side: sum(_common_area(side, other) for other in taken))
    x, y = place[:2]
    ours = picture[int(y) : int(y + panel[1]), int(x) : int(x + panel[0])]
    ours[:] = (ours * (1 - DARK) + np.array(PAPER) * DARK).astype(np.uint8)
    first, length = x + 3.1 * line, 3.8 * line
    for n, (name, score, threshold) in enumerate(zip(names, of.scores, thresholds, strict=True)):
        middle = y + (n + 0.75) * line
        active = score >= threshold
        color = ACTIVE if active else QUIET
        _text(picture, name, x + 0.3 * line, middle, line, INK if active else QUIET)
        _bar(picture, first, middle, length, line, (70, 70, 70))
        _bar(picture, first, middle, length * float(score), line, color)
        tick = round(first + length * threshold)
        cv2.line(picture, (tick, round(middle - 0.36 * line)), (tick, round(middle + 0.36 * line)), INK, 1)
    return place


def _bar(picture: np.ndarray, x: float, middle: float, length: float, line: float, color: Color) -> None:
    low, high = (round(x), round(middle - 0.28 * line)), (round(x + length), round(middle + 0.28 * line))
    cv2.rectangle(picture, low, high, color, cv2.FILLED)


def _text(picture: np.ndarray, text: str, x: float, middle: float, line: float, color: Color) -> None:
    place = (round(x), round(middle + 0.28 * line))
    cv2.putText(picture, text, place, FONT, line / 32, color, max(1, round(line / 18)), cv2.LINE_AA)


def _common_area(one: np.ndarray, other: np.ndarray) -> float:
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    return float(np.prod(np.clip(high - low, 0, None)))
