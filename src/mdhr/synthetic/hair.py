"""Brows, lashes, beard, and scalp hair: strokes and soft masks on the texture canvas."""

import cv2
import numpy as np

from mdhr.synthetic.appearance import Appearance
from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.canvas import Canvas
from mdhr.synthetic.head import HeadModel

LASH_COLOR = np.asarray([0.07, 0.05, 0.04], np.float32)
UPPER_LID, LOWER_LID = (0, 1, 2, 3, 4), (0, 7, 6, 5)
"""Numbers of the ``lid_*`` landmarks from the outer to the inner corner."""


def paint_brows(canvas: Canvas, appearance: Appearance, rng: np.random.Generator) -> None:
    """Paint both brows: fine strokes along an arch over a soft band."""
    brow = appearance.brow
    along = np.sort(rng.random(round(150 * brow.density)).astype(np.float32))
    x = brow.start + (brow.end - brow.start) * along
    middle = brow.height + brow.arch * np.sin(np.pi * np.clip(along, 0, 1) ** 1.25) - brow.fall * along**2
    half = brow.thickness * np.interp(along, [0, 0.15, 0.6, 1], [0.65, 1.0, 0.75, 0.12])
    root = middle + half * rng.uniform(-1, 0.7, len(along))
    angle = np.interp(along, [0, 0.25, 0.6, 1], [1.25, 0.65, 0.15, -0.35]) + rng.normal(0, 0.13, len(along))
    length = 0.0055 * rng.uniform(0.7, 1.1, len(along))
    starts = np.stack([x, root], axis=1)
    ends = starts + np.stack([np.cos(angle), np.sin(angle)], axis=1) * length[:, None]
    rows, columns, fine = canvas.strokes((0.004, 0.062, 0.036, 0.004), starts, ends, 0.0004)
    size = len(canvas.x)
    soft = cv2.GaussianBlur(fine, (0, 0), size * 0.0028)
    cover = np.clip(0.55 * soft + 0.60 * cv2.GaussianBlur(fine, (0, 0), size * 0.0009), 0, 1) * brow.opacity
    both = np.zeros((size, size), np.float32)
    both[rows, columns] = cover
    both = np.maximum(both, both[:, ::-1])
    canvas.blend(both, appearance.brow_color)


def paint_lashes(canvas: Canvas, head: HeadModel, appearance: Appearance) -> None:
    """Paint a thin dark line along the rim of the upper eyelid and a fainter one along the lower eyelid."""
    size = len(canvas.x)
    cover = np.zeros((size, size), np.float32)
    for lid, strength, width in (
        (UPPER_LID, appearance.lash_strength, 0.0011),
        (LOWER_LID, 0.35 * appearance.lash_strength, 0.0008),
    ):
        points = head.layout[[head.landmarks[f"lid_{k}_left"] for k in lid]]
        knots = np.linspace(0, 1, len(points))
        fit = np.polyfit(knots, points, 3)
        smooth = np.stack([np.polyval(fit[:, k], np.linspace(0, 1, 25)) for k in (0, 1)], axis=1)
        rows, columns, line = canvas.strokes((0.012, 0.056, 0.016, -0.014), smooth[:-1], smooth[1:], width)
        cover[rows, columns] = np.maximum(cover[rows, columns], strength * line)
    canvas.blend(np.maximum(cover, cover[:, ::-1]), LASH_COLOR)


def paint_beard(canvas: Canvas, appearance: Appearance, rng: np.random.Generator, *, bare: FloatArray) -> None:
    """Paint stubble or a short beard on jaw, chin, and upper lip, except where ``bare`` ``(S, S)`` is 1."""
    if appearance.beard_density <= 0:
        return
    x, y = np.abs(canvas.x)[None, :], canvas.y[:, None]
    cheek_line = -0.058 + 0.9 * np.clip(x - 0.035, 0, 0.06)
    jaw = 1 / (1 + np.exp(np.clip((y - cheek_line) / 0.0035, -30, 30)))
    jaw = jaw * (1 - 0.75 * canvas.spot(0.0, -0.083, 0.012, 0.0035))
    jaw = jaw * (1 - np.exp(-(((x - 0.024) / 0.016) ** 2) - ((y + 0.062) / 0.010) ** 2) * 0.6)
    mustache = np.exp(-((x / 0.026) ** 4) - ((y + 0.0535) / 0.0048) ** 4) * (1 - 0.5 * np.exp(-((x / 0.003) ** 2)))
    cover = np.maximum(jaw, mustache) * (1 - np.clip(bare * 1.5, 0, 1))
    grain = cv2.GaussianBlur(rng.standard_normal((len(canvas.y), len(canvas.x)), dtype=np.float32), (0, 0), 1.0) * 2.5
    canvas.blend(np.clip(cover * appearance.beard_density * (1 + 0.15 * grain), 0, 0.9), appearance.brow_color)


def hair_mask(appearance: Appearance, x: FloatArray, y: FloatArray, *, softness: float = 0.0022) -> FloatArray:
    """Return the hair coverage in 0 to 1 at layout coordinates.

    Coordinates and ``softness``, the width of the hairline, are in meters. The coverage of a bald head is 0.
    """
    side = np.abs(x)
    peak = appearance.widows_peak * np.exp(-((side / 0.012) ** 2))
    line = appearance.hairline - 0.25 * np.clip(side - 0.02, 0, 0.03) - peak
    above = (y - line) / softness
    temples = np.minimum((side - appearance.temple) / softness, (y - appearance.sideburn) / softness)
    return appearance.hair_cover / (1 + np.exp(np.clip(-np.maximum(above, temples), -30, 30)))


def paint_hair(canvas: Canvas, appearance: Appearance, rng: np.random.Generator, *, ears: FloatArray) -> None:
    """Paint scalp hair with strands. Long hair covers the ears, whose mask is ``ears`` ``(S, S)``."""
    size = len(canvas.x)
    x, y = np.meshgrid(canvas.x, canvas.y)
    ragged = 0.0025 * cv2.resize(rng.standard_normal((8, size // 3), dtype=np.float32), (size, size))
    mask = hair_mask(appearance, x, y + ragged)
    if not appearance.long_hair:
        mask = mask * (1 - np.clip(2 * ears, 0, 1))
    strands = cv2.resize(rng.standard_normal((6, size // 2), dtype=np.float32), (size, size))
    canvas.blend(mask, appearance.hair_color * np.clip(0.95 + 0.30 * strands, 0.3, 2)[..., None])
