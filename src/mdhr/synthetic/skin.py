"""Paint a person's skin, lips, brows, hair and eyes into a texture.

Colors are as displayed, 0 to 1. Everything is painted in the chart's meters, see :mod:`mdhr.synthetic.uv_layout`.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from mdhr.synthetic.hair import paint_beard, paint_brows, paint_hair, paint_lashes
from mdhr.synthetic.uv_layout import EYE_ANGLE, PATCH, SPAN, TOP

if TYPE_CHECKING:
    from mdhr.synthetic.appearance import Person
    from mdhr.synthetic.head import HeadModel

Floats = NDArray[np.floating]

BLUSH = np.asarray([1.03, 0.84, 0.82], np.float32)
SHADOW = np.asarray([0.80, 0.73, 0.76], np.float32)
IRIS_ANGLE = 0.48
"""Angle of the iris' rim from the eye ball's front, radians."""


@dataclass(frozen=True)
class Canvas:
    """A texture in the making, with the meters of its rows and columns."""

    image: Floats  # S S 3
    x: Floats  # S
    y: Floats  # S

    @classmethod
    def blank(cls, size: int) -> "Canvas":
        """Black."""
        centers = (np.arange(size, dtype=np.float32) + 0.5) / size * SPAN
        return cls(np.zeros((size, size, 3), np.float32), centers - SPAN / 2, TOP - centers)

    def spot(self, x: float, y: float, radius_x: float, radius_y: float) -> Floats:
        """Soft spot (S, S) of height 1."""
        across = np.exp(-(((self.x - x) / radius_x) ** 2))
        return np.exp(-(((self.y - y) / radius_y) ** 2))[:, None] * across

    def pair(self, x: float, y: float, radius_x: float, radius_y: float) -> Floats:
        """The same spot on both sides."""
        return self.spot(x, y, radius_x, radius_y) + self.spot(-x, y, radius_x, radius_y)

    def tint(self, mask: Floats, factor: Floats) -> None:
        """Multiply by a color where the mask is 1."""
        self.image[:] *= 1 + mask[..., None] * (factor - 1)

    def cover(self, mask: Floats, color: Floats) -> None:
        """Paint over where the mask is 1."""
        self.image[:] += mask[..., None] * (color - self.image)

    def box(self, left: float, right: float, top: float, bottom: float) -> tuple[slice, slice]:
        """Rows and columns of a rectangle in meters."""
        size = len(self.x)
        columns = slice(int((left / SPAN + 0.5) * size), int((right / SPAN + 0.5) * size))
        return slice(int((TOP - top) / SPAN * size), int((TOP - bottom) / SPAN * size)), columns


def mottle(rng: np.random.Generator, size: int, scales: tuple[int, ...]) -> Floats:
    """Smooth noise (size, size) of several scales, variance 1."""
    noise = np.zeros((size, size), np.float32)
    for scale in scales:
        grain = rng.standard_normal((scale, scale), dtype=np.float32)
        noise += cv2.resize(grain, (size, size), interpolation=cv2.INTER_LINEAR)
    return noise / np.sqrt(np.float32(len(scales)))


@lru_cache(maxsize=8)
def mask_image(head: "HeadModel", name: str, size: int) -> Floats:
    """A vertex mask of the head as an image (size, size) in the chart; what lies in front wins."""
    uv, depth = head.uv, 1 - head.template[:, 2:]
    points = np.concatenate([(2 * uv - 1) * [1, -1], -np.ones_like(depth)], axis=1) * depth
    weight = np.repeat(head.masks[name][:, None], 3, axis=1)
    image = np.zeros((size, size, 3), np.float32)
    faces = np.ascontiguousarray(head.triangles[head.parts == "body"])
    settings = cv2.TriangleRasterizeSettings()
    settings.setCullingMode(cv2.RASTERIZE_CULLING_NONE)
    settings.setShadingType(cv2.RASTERIZE_SHADING_SHADED)
    far = np.full((size, size), 9, np.float32)
    view = np.eye(4, dtype=np.float32)
    cv2.triangleRasterize(
        points.astype(np.float32)[None], faces[None], weight, image, far, view, np.pi / 2, 0.5, 9.0, settings
    )
    return np.asarray(cv2.GaussianBlur(image[..., 0], (0, 0), size * 0.0022), np.float32)


def paint_skin(canvas: Canvas, head: "HeadModel", person: "Person", rng: np.random.Generator) -> None:
    """Complexion: mottling, blush, eye rings, freckles, moles, lines of age."""
    size = len(canvas.x)
    canvas.image[:] = person.skin
    tone = 0.030 * mottle(rng, size, (6, 16, 48)) + 0.018 * mottle(rng, size, (160, 320))
    canvas.image[:] *= 1 + tone[..., None]
    canvas.tint(np.clip(mottle(rng, size, (10, 40)) * 0.15, -0.3, 0.3), BLUSH)
    canvas.tint(canvas.pair(0.040, -0.030, 0.017, 0.015) * rng.uniform(0.1, 0.75), BLUSH)
    canvas.tint(canvas.spot(0, -0.037, 0.013, 0.010) * rng.uniform(0.1, 0.6), BLUSH)
    canvas.tint(canvas.spot(0, -0.095, 0.014, 0.009) * rng.uniform(0.0, 0.4), BLUSH)
    canvas.tint(canvas.pair(0.029, -0.0105, 0.013, 0.0045) * rng.uniform(0.05, 0.6), SHADOW)
    canvas.tint(canvas.pair(0.030, 0.0095, 0.014, 0.0045) * rng.uniform(0.05, 0.5), SHADOW)
    canvas.tint(canvas.pair(0.018, 0.003, 0.005, 0.007) * rng.uniform(0.1, 0.5), SHADOW)

    if person.freckles > 0:
        grain = cv2.GaussianBlur(rng.standard_normal((size, size), dtype=np.float32), (0, 0), size * 0.0013)
        grain = np.clip(grain / grain.std() - 1.4, 0, 1)
        where = np.clip(canvas.pair(0.032, -0.024, 0.024, 0.018) + canvas.spot(0, -0.022, 0.02, 0.016), 0, 1)
        canvas.tint(grain * where * person.freckles, np.asarray([0.72, 0.56, 0.45], np.float32))
    for _ in range(rng.poisson(1.2)):
        x, y, radius = rng.uniform(-0.065, 0.065), rng.uniform(-0.10, 0.05), rng.uniform(0.0007, 0.0015)
        canvas.tint(canvas.spot(x, y, radius, radius), np.asarray([0.42, 0.30, 0.25], np.float32))

    lips = mask_image(head, "lips", size)
    rough = 1 + 0.06 * mottle(rng, size, (200,))
    canvas.cover(np.clip(lips * person.lip_strength * rough, 0, 1), person.lips)
    margin = np.clip(mask_image(head, "eyelids", size), 0, 1)
    canvas.tint(margin * 0.45, np.asarray([0.84, 0.66, 0.64], np.float32))


def paint_eye(canvas: Canvas, person: "Person", rng: np.random.Generator) -> None:
    """The eye ball, seen from its front, into its patch."""
    size = len(canvas.x)
    edge = round(PATCH * size)
    # E E: angle from the front and around
    place = (np.arange(edge, dtype=np.float32) + 0.5) / edge * 2 - 1
    across, down = np.meshgrid(place, place)
    angle, around = np.hypot(across, down) * EYE_ANGLE, np.arctan2(down, across)
    soft = 2.0 / edge * EYE_ANGLE
    white = np.asarray([0.86, 0.83, 0.80], np.float32) * rng.uniform(0.92, 1.0)
    eye = white * (1 - np.clip(angle - 0.45, 0, 1)[..., None] * np.asarray([0.25, 0.35, 0.35], np.float32))
    fibres = 1 + 0.16 * np.sin(around * 31 + 3 * np.sin(around * 7)) + 0.35 * (angle / IRIS_ANGLE - 0.7)
    ring = 1 - 0.65 * np.clip((angle - 0.80 * IRIS_ANGLE) / (0.20 * IRIS_ANGLE), 0, 1)
    iris = person.iris * (fibres * ring)[..., None]
    pupil = rng.uniform(0.15, 0.21)
    for layer, rim in ((iris, IRIS_ANGLE), (np.full(3, 0.02, np.float32), pupil)):
        inside = np.clip((rim - angle) / soft + 0.5, 0, 1)[..., None]
        eye = eye + inside * (layer - eye)
    glint = np.exp(-((across / 0.075) ** 2) - ((down + 0.17) / 0.06) ** 2)[..., None]
    eye = eye + 0.85 * glint * (1 - eye)
    canvas.image[size - edge :, :edge] = eye


def paint_teeth(canvas: Canvas, rng: np.random.Generator) -> None:
    """Teeth with gaps and gums into their patch."""
    size = len(canvas.x)
    edge = round(PATCH * size)
    place = (np.arange(edge, dtype=np.float32) + 0.5) / edge - 0.5
    gap = 1 - 0.22 * np.exp(-(((place * 50 % 8 - 4) / 0.7) ** 2))
    color = np.asarray([0.84, 0.80, 0.72], np.float32) * rng.uniform(0.85, 1.0)
    canvas.image[size - edge :, size - edge :] = (gap * (1 - 1.5 * place**2))[None, :, None] * color


def paint(head: "HeadModel", person: "Person", rng: np.random.Generator, *, size: int) -> NDArray[np.uint8]:
    """Texture (size, size, 3) of a person, as displayed."""
    canvas = Canvas.blank(size)
    paint_skin(canvas, head, person, rng)
    lips, ears = mask_image(head, "lips", size), mask_image(head, "ears", size)
    paint_beard(canvas, person, rng, bare=lips + ears)
    paint_brows(canvas, person, rng)
    paint_lashes(canvas, head, person)
    paint_hair(canvas, person, rng, ears=ears)
    paint_eye(canvas, person, rng)
    paint_teeth(canvas, rng)
    return np.round(np.clip(canvas.image, 0, 1) * 255).astype(np.uint8)
