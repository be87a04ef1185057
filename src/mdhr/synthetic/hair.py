"""Brows, lashes, beard and the hair of the head: strokes and soft masks on the skin's canvas."""

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mdhr.synthetic.appearance import Person
    from mdhr.synthetic.head import HeadModel
    from mdhr.synthetic.skin import Canvas

Floats = NDArray[np.floating]

FINE = 4
"""Strokes are drawn this many times finer than the texture."""


def _strokes(
    canvas: "Canvas", box: tuple[float, float, float, float], starts: Floats, ends: Floats, width: float
) -> tuple:
    """Coverage 0 to 1 of line strokes (N, 2) to (N, 2) in meters inside box (left, right, top, bottom)."""
    rows, columns = canvas.box(*box)
    pixel = float(canvas.x[1] - canvas.x[0]) / FINE
    corner = np.asarray([canvas.x[columns.start] - pixel * FINE / 2, canvas.y[rows.start] + pixel * FINE / 2])
    layer = np.zeros(((rows.stop - rows.start) * FINE, (columns.stop - columns.start) * FINE), np.uint8)
    thickness = max(1, round(width / pixel))
    for start, end in zip((starts - corner) / [pixel, -pixel], (ends - corner) / [pixel, -pixel], strict=True):
        cv2.line(
            layer, np.round(start * 16).astype(int), np.round(end * 16).astype(int), 255, thickness, cv2.LINE_AA, 4
        )
    small = (columns.stop - columns.start, rows.stop - rows.start)
    return rows, columns, cv2.resize(layer, small, interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def paint_brows(canvas: "Canvas", person: "Person", rng: np.random.Generator) -> None:
    """A soft band with fine strokes along an arch; the same on both sides."""
    brow = person.brow
    along = np.sort(rng.random(round(150 * brow.density)).astype(np.float32))
    x = brow.start + (brow.end - brow.start) * along
    middle = brow.height + brow.arch * np.sin(np.pi * np.clip(along, 0, 1) ** 1.25) - brow.fall * along**2
    half = brow.thickness * np.interp(along, [0, 0.15, 0.6, 1], [0.65, 1.0, 0.75, 0.12])
    root = middle + half * rng.uniform(-1, 0.7, len(along))
    angle = np.interp(along, [0, 0.25, 0.6, 1], [1.25, 0.65, 0.15, -0.35]) + rng.normal(0, 0.13, len(along))
    length = 0.0055 * rng.uniform(0.7, 1.1, len(along))
    starts = np.stack([x, root], axis=1)
    ends = starts + np.stack([np.cos(angle), np.sin(angle)], axis=1) * length[:, None]
    rows, columns, fine = _strokes(canvas, (0.004, 0.062, 0.036, 0.004), starts, ends, 0.0004)
    size = len(canvas.x)
    soft = cv2.GaussianBlur(fine, (0, 0), size * 0.0028)
    cover = np.clip(0.55 * soft + 0.60 * cv2.GaussianBlur(fine, (0, 0), size * 0.0009), 0, 1) * brow.opacity
    both = np.zeros((size, size), np.float32)
    both[rows, columns] = cover
    both = np.maximum(both, both[:, ::-1])
    canvas.cover(both, person.brow_color)


def paint_lashes(canvas: "Canvas", head: "HeadModel", person: "Person") -> None:
    """A thin dark line along the upper lid's rim, lighter along the lower one."""
    size = len(canvas.x)
    cover = np.zeros((size, size), np.float32)
    for names, strength, width in (
        ((0, 1, 2, 3, 4), person.lashes, 0.0011),
        ((0, 7, 6, 5), 0.35 * person.lashes, 0.0008),
    ):
        points = head.template[[head.landmarks[f"lid_{k}_left"] for k in names]][:, :2]
        knots = np.linspace(0, 1, len(points))
        fit = np.polyfit(knots, points, 3)
        smooth = np.stack([np.polyval(fit[:, k], np.linspace(0, 1, 25)) for k in (0, 1)], axis=1)
        rows, columns, line = _strokes(canvas, (0.012, 0.056, 0.016, -0.014), smooth[:-1], smooth[1:], width)
        cover[rows, columns] = np.maximum(cover[rows, columns], strength * line)
    canvas.cover(np.maximum(cover, cover[:, ::-1]), np.asarray([0.07, 0.05, 0.04], np.float32))


def paint_beard(canvas: "Canvas", person: "Person", rng: np.random.Generator, *, bare: Floats) -> None:
    """Stubble or a short beard: jaw, chin and upper lip, but nothing where ``bare`` (S, S) is 1."""
    if person.beard <= 0:
        return
    x, y = np.abs(canvas.x)[None, :], canvas.y[:, None]
    cheek_line = -0.058 + 0.9 * np.clip(x - 0.035, 0, 0.06)
    jaw = 1 / (1 + np.exp(np.clip((y - cheek_line) / 0.0035, -30, 30)))
    jaw = jaw * (1 - 0.75 * canvas.spot(0.0, -0.083, 0.012, 0.0035))
    jaw = jaw * (1 - np.exp(-(((x - 0.024) / 0.016) ** 2) - ((y + 0.062) / 0.010) ** 2) * 0.6)
    moustache = np.exp(-((x / 0.026) ** 4) - ((y + 0.0535) / 0.0048) ** 4) * (1 - 0.5 * np.exp(-((x / 0.003) ** 2)))
    cover = np.maximum(jaw, moustache) * (1 - np.clip(bare * 1.5, 0, 1))
    grain = cv2.GaussianBlur(rng.standard_normal((len(canvas.y), len(canvas.x)), dtype=np.float32), (0, 0), 1.0) * 2.5
    canvas.cover(np.clip(cover * person.beard * (1 + 0.15 * grain), 0, 0.9), person.brow_color)


def hair_mask(person: "Person", x: Floats, y: Floats, *, softness: float = 0.0022) -> Floats:
    """Share of hair 0 to 1 at chart coordinates in meters, over an edge of some softness; all 0 for a bald head."""
    side = np.abs(x)
    line = person.hairline - 0.25 * np.clip(side - 0.02, 0, 0.03) - person.widow * np.exp(-((side / 0.012) ** 2))
    above = (y - line) / softness
    # beside the temples, hair reaches down to the sideburn's end
    beside = np.minimum((side - person.temple) / softness, (y - person.sideburn) / softness)
    return person.hair_cover / (1 + np.exp(np.clip(-np.maximum(above, beside), -30, 30)))


def paint_hair(canvas: "Canvas", person: "Person", rng: np.random.Generator, *, ears: Floats) -> None:
    """The hair of the head, with strands, above the hairline; only long hair covers the ears."""
    size = len(canvas.x)
    x, y = np.meshgrid(canvas.x, canvas.y)
    ragged = 0.0025 * cv2.resize(rng.standard_normal((8, size // 3), dtype=np.float32), (size, size))
    mask = hair_mask(person, x, y + ragged)
    if not person.long_hair:
        mask = mask * (1 - np.clip(2 * ears, 0, 1))
    strands = cv2.resize(rng.standard_normal((6, size // 2), dtype=np.float32), (size, size))
    canvas.cover(mask, person.hair * np.clip(0.95 + 0.30 * strands, 0.3, 2)[..., None])
