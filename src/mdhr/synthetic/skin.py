"""Face texture: skin, lips, eyes, teeth, and hair."""

from functools import lru_cache

import cv2
import numpy as np

from mdhr.synthetic.appearance import Appearance
from mdhr.synthetic.array_types import FloatArray, Image
from mdhr.synthetic.canvas import Canvas, smooth_noise_image
from mdhr.synthetic.hair import paint_beard, paint_brows, paint_hair, paint_lashes
from mdhr.synthetic.head import HeadModel
from mdhr.synthetic.uv_layout import EYE_ANGLE, MOUTH_PATCH, PATCH

BLUSH = np.asarray([1.03, 0.84, 0.82], np.float32)
SHADOW = np.asarray([0.80, 0.73, 0.76], np.float32)
FRECKLE = np.asarray([0.72, 0.56, 0.45], np.float32)
MOLE = np.asarray([0.42, 0.30, 0.25], np.float32)
LID_MARGIN = np.asarray([0.84, 0.66, 0.64], np.float32)
SCLERA = np.asarray([0.86, 0.83, 0.80], np.float32)
ENAMEL = np.asarray([0.84, 0.80, 0.72], np.float32)
MUCOSA = np.asarray([0.66, 0.36, 0.36], np.float32)
IRIS_ANGLE = 0.48
"""Angle in radians between the front of the eyeball and the rim of the iris."""


@lru_cache(maxsize=8)
def mask_image(head: HeadModel, name: str, size: int) -> FloatArray:
    """Return a vertex mask of the head as an image ``(size, size)`` in the UV layout. The frontmost surface is used."""
    mesh = head.mesh
    uv, depth = head.uv, 1 - mesh.template[:, 2:]
    points = np.concatenate([(2 * uv - 1) * [1, -1], -np.ones_like(depth)], axis=1) * depth
    weight = np.repeat(mesh.masks[name][:, None], 3, axis=1)
    image = np.zeros((size, size, 3), np.float32)
    faces = np.ascontiguousarray(mesh.triangles[mesh.parts == "body"])
    settings = cv2.TriangleRasterizeSettings()
    settings.setCullingMode(cv2.RASTERIZE_CULLING_NONE)
    settings.setShadingType(cv2.RASTERIZE_SHADING_SHADED)
    far = np.full((size, size), 9, np.float32)
    view = np.eye(4, dtype=np.float32)
    cv2.triangleRasterize(
        points.astype(np.float32)[None], faces[None], weight, image, far, view, np.pi / 2, 0.5, 9.0, settings
    )
    return np.asarray(cv2.GaussianBlur(image[..., 0], (0, 0), size * 0.0022), np.float32)


def paint_skin(canvas: Canvas, head: HeadModel, appearance: Appearance, rng: np.random.Generator) -> None:
    """Paint complexion, shadows around the eyes, freckles, moles, lips, and eyelid margins."""
    size = len(canvas.x)
    canvas.image[:] = appearance.skin_color
    tone = 0.030 * smooth_noise_image(rng, size, (6, 16, 48)) + 0.018 * smooth_noise_image(rng, size, (160, 320))
    canvas.image[:] *= 1 + tone[..., None]
    canvas.multiply(np.clip(smooth_noise_image(rng, size, (10, 40)) * 0.15, -0.3, 0.3), BLUSH)
    canvas.multiply(canvas.spot_pair(0.040, -0.030, 0.017, 0.015) * rng.uniform(0.1, 0.75), BLUSH)
    canvas.multiply(canvas.spot(0, -0.037, 0.013, 0.010) * rng.uniform(0.1, 0.6), BLUSH)
    canvas.multiply(canvas.spot(0, -0.095, 0.014, 0.009) * rng.uniform(0.0, 0.4), BLUSH)
    canvas.multiply(canvas.spot_pair(0.029, -0.0105, 0.013, 0.0045) * rng.uniform(0.05, 0.6), SHADOW)
    canvas.multiply(canvas.spot_pair(0.030, 0.0095, 0.014, 0.0045) * rng.uniform(0.05, 0.5), SHADOW)
    canvas.multiply(canvas.spot_pair(0.018, 0.003, 0.005, 0.007) * rng.uniform(0.1, 0.5), SHADOW)

    if appearance.freckles > 0:
        grain = cv2.GaussianBlur(rng.standard_normal((size, size), dtype=np.float32), (0, 0), size * 0.0013)
        grain = np.clip(grain / grain.std() - 1.4, 0, 1)
        where = np.clip(canvas.spot_pair(0.032, -0.024, 0.024, 0.018) + canvas.spot(0, -0.022, 0.02, 0.016), 0, 1)
        canvas.multiply(grain * where * appearance.freckles, FRECKLE)
    for _ in range(rng.poisson(1.2)):
        x, y, radius = rng.uniform(-0.065, 0.065), rng.uniform(-0.10, 0.05), rng.uniform(0.0007, 0.0015)
        canvas.multiply(canvas.spot(x, y, radius, radius), MOLE)

    lips = mask_image(head, "lips", size)
    rough = 1 + 0.06 * smooth_noise_image(rng, size, (200,))
    canvas.blend(np.clip(lips * appearance.lip_strength * rough, 0, 1), appearance.lip_color)
    margin = np.clip(mask_image(head, "eyelids", size), 0, 1)
    canvas.multiply(margin * 0.45, LID_MARGIN)


def paint_eye(canvas: Canvas, appearance: Appearance, rng: np.random.Generator) -> None:
    """Paint the eyeball, viewed from its front, into its patch."""
    size = len(canvas.x)
    edge = round(PATCH * size)
    place = (np.arange(edge, dtype=np.float32) + 0.5) / edge * 2 - 1
    across, down = np.meshgrid(place, place)
    angle, around = np.hypot(across, down) * EYE_ANGLE, np.arctan2(down, across)
    soft = 2.0 / edge * EYE_ANGLE
    white = SCLERA * rng.uniform(0.92, 1.0)
    eye = white * (1 - np.clip(angle - 0.45, 0, 1)[..., None] * np.asarray([0.25, 0.35, 0.35], np.float32))
    fibers = 1 + 0.16 * np.sin(around * 31 + 3 * np.sin(around * 7)) + 0.35 * (angle / IRIS_ANGLE - 0.7)
    ring = 1 - 0.65 * np.clip((angle - 0.80 * IRIS_ANGLE) / (0.20 * IRIS_ANGLE), 0, 1)
    iris = appearance.iris_color * (fibers * ring)[..., None]
    pupil = rng.uniform(0.15, 0.21)
    for layer, rim in ((iris, IRIS_ANGLE), (np.full(3, 0.02, np.float32), pupil)):
        inside = np.clip((rim - angle) / soft + 0.5, 0, 1)[..., None]
        eye = eye + inside * (layer - eye)
    glint = np.exp(-((across / 0.075) ** 2) - ((down + 0.17) / 0.06) ** 2)[..., None]
    eye = eye + 0.85 * glint * (1 - eye)
    canvas.image[size - edge :, :edge] = eye


def paint_teeth(canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint teeth with gaps and gums into their patch."""
    size = len(canvas.x)
    edge = round(PATCH * size)
    place = (np.arange(edge, dtype=np.float32) + 0.5) / edge - 0.5
    gap = 1 - 0.22 * np.exp(-(((place * 50 % 8 - 4) / 0.7) ** 2))
    color = ENAMEL * rng.uniform(0.85, 1.0)
    canvas.image[size - edge :, size - edge :] = (gap * (1 - 1.5 * place**2))[None, :, None] * color


def paint_mouth(canvas: Canvas) -> None:
    """Paint the color of tongue and gums into their patch."""
    size = len(canvas.x)
    edge = round(MOUTH_PATCH * size)
    canvas.image[size - edge :, :edge] = MUCOSA


def paint_texture(head: HeadModel, appearance: Appearance, rng: np.random.Generator, *, size: int) -> Image:
    """Return the texture ``(size, size, 3)`` of an identity."""
    canvas = Canvas.blank(size)
    paint_skin(canvas, head, appearance, rng)
    lips, ears = mask_image(head, "lips", size), mask_image(head, "ears", size)
    paint_beard(canvas, appearance, rng, bare=lips + ears)
    paint_brows(canvas, appearance, rng)
    paint_lashes(canvas, head, appearance)
    paint_hair(canvas, appearance, rng, ears=ears)
    paint_eye(canvas, appearance, rng)
    paint_mouth(canvas)
    paint_teeth(canvas, rng)
    return np.round(np.clip(canvas.image, 0, 1) * 255).astype(np.uint8)
