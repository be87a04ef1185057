"""Annotation of video frames: a box around every face and the scores of its action units next to it.

Scores of active action units are orange, as in the timelines; the tick on a bar is the threshold.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np

Color = tuple[int, int, int]
ACTIVE: Color = (213, 94, 0)
INACTIVE: Color = (156, 203, 235)
BACKGROUND: Color = (20, 20, 20)
EMPTY_BAR: Color = (70, 70, 70)
INK: Color = (255, 255, 255)
BOX_COLORS: tuple[Color, ...] = ((255, 255, 255), (86, 180, 233), (0, 158, 115), (240, 228, 66), (204, 121, 167))
"""Colors of the tracks, in cyclic order."""
FONT = cv2.FONT_HERSHEY_SIMPLEX
MIN_SIDE, MAX_SIDE = 800, 1920
"""Limits of the longer side in pixels; smaller videos are enlarged so that the text is readable."""
BACKGROUND_OPACITY = 0.65


class Annotation(NamedTuple):
    """Scores of a face in a frame."""

    track: int
    """Number of the track, from 1."""
    box: np.ndarray
    """``(4,)`` x and y of the upper left corner, width and height, in pixels of the source."""
    scores: np.ndarray
    """``(N,)`` in [0, 1]."""


def draw_annotations(
    frames: Iterable[tuple[float, np.ndarray]],
    annotations: Iterable[Sequence[Annotation]],
    *,
    names: Sequence[str],
    thresholds: np.ndarray,
) -> Iterator[tuple[float, np.ndarray]]:
    """Yield time stamps and annotated frames, all of the same size with even width and height.

    Args:
        frames: time stamps in seconds and frames ``(H, W, 3)`` uint8 RGB.
        annotations: annotations of each frame.
        names: names of the N action units.
        thresholds: ``(N,)``.
    """
    size: tuple[int, int] | None = None
    for (seconds, frame), faces in zip(frames, annotations, strict=True):
        size = size or _output_size(frame)
        scale = size[0] / frame.shape[1]
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        image = np.ascontiguousarray(cv2.resize(frame, size, interpolation=interpolation))
        for face in faces:
            _draw_box(image, face.box * scale, face.track)
        occupied = [face.box * scale for face in faces]
        for face in faces:
            occupied.append(_draw_panel(image, face, face.box * scale, occupied, names, thresholds))
        yield seconds, image


def _output_size(frame: np.ndarray) -> tuple[int, int]:
    """Return width and height of the annotated frames."""
    longer = max(frame.shape[:2])
    scale = min(max(longer, MIN_SIDE), MAX_SIDE) / longer
    return tuple(max(2, round(side * scale / 2) * 2) for side in frame.shape[1::-1])  # type: ignore[return-value]


def _line_height(image: np.ndarray) -> float:
    """Return the height of a line of text in pixels."""
    return max(14.0, max(image.shape[:2]) / 48)


def _draw_box(image: np.ndarray, box: np.ndarray, track: int) -> None:
    line = _line_height(image)
    color = BOX_COLORS[(track - 1) % len(BOX_COLORS)]
    x, y, right, bottom = np.concatenate([box[:2], box[:2] + box[2:]]).round().astype(int).tolist()
    cv2.rectangle(image, (x, y), (right, bottom), color, max(1, round(line / 10)), cv2.LINE_AA)
    top = max(y - round(line * 1.1), 0)
    (width, _), _ = cv2.getTextSize(str(track), FONT, line / 28, 1)
    cv2.rectangle(image, (x, top), (x + width + round(line * 0.6), top + round(line * 1.1)), color, cv2.FILLED)
    origin = (x + round(line * 0.3), top + round(line * 0.85))
    cv2.putText(image, str(track), origin, FONT, line / 28, BACKGROUND, max(1, round(line / 14)), cv2.LINE_AA)


def _draw_panel(
    image: np.ndarray,
    face: Annotation,
    box: np.ndarray,
    occupied: Sequence[np.ndarray],
    names: Sequence[str],
    thresholds: np.ndarray,
) -> np.ndarray:
    """Draw the scores of a face on the side that overlaps the ``occupied`` boxes least; return the box of the panel."""
    height, width = image.shape[:2]
    line = min(_line_height(image), height / (len(names) + 1))
    panel_size = np.array([line * 7.2, line * (len(names) + 0.5)])
    top = np.clip(box[1] + box[3] / 2 - panel_size[1] / 2, 0, max(height - panel_size[1], 0))
    gap = line / 2
    right_side = np.array([box[0] + box[2] + gap, top, *panel_size])
    left_side = np.array([box[0] - gap - panel_size[0], top, *panel_size])
    for side in (right_side, left_side):
        side[0] = np.clip(side[0], 0, max(width - panel_size[0], 0))
    panel = min((right_side, left_side), key=lambda side: sum(_overlap_area(side, other) for other in occupied))
    x, y = panel[:2]
    pixels = image[int(y) : int(y + panel_size[1]), int(x) : int(x + panel_size[0])]
    pixels[:] = (pixels * (1 - BACKGROUND_OPACITY) + np.array(BACKGROUND) * BACKGROUND_OPACITY).astype(np.uint8)
    bar_x, bar_length = x + 3.1 * line, 3.8 * line
    for n, (name, score, threshold) in enumerate(zip(names, face.scores, thresholds, strict=True)):
        middle = y + (n + 0.75) * line
        active = score >= threshold
        _draw_text(image, name, x + 0.3 * line, middle, line, INK if active else INACTIVE)
        _draw_bar(image, bar_x, middle, bar_length, line, EMPTY_BAR)
        _draw_bar(image, bar_x, middle, bar_length * float(score), line, ACTIVE if active else INACTIVE)
        tick = round(bar_x + bar_length * threshold)
        cv2.line(image, (tick, round(middle - 0.36 * line)), (tick, round(middle + 0.36 * line)), INK, 1)
    return panel


def _draw_bar(image: np.ndarray, x: float, middle: float, length: float, line: float, color: Color) -> None:
    low, high = (round(x), round(middle - 0.28 * line)), (round(x + length), round(middle + 0.28 * line))
    cv2.rectangle(image, low, high, color, cv2.FILLED)


def _draw_text(image: np.ndarray, text: str, x: float, middle: float, line: float, color: Color) -> None:
    origin = (round(x), round(middle + 0.28 * line))
    cv2.putText(image, text, origin, FONT, line / 32, color, max(1, round(line / 18)), cv2.LINE_AA)


def _overlap_area(one: np.ndarray, other: np.ndarray) -> float:
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    return float(np.prod(np.clip(high - low, 0, None)))
