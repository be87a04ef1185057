"""Hands and objects in front of the face: shaded capsules that come, stay, and leave."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import cv2
import numpy as np

from mdhr.synthetic.array_types import FloatArray, Image
from mdhr.synthetic.projection import Projection
from mdhr.synthetic.temporal_noise import smooth_noise

SPAN = 0.20
"""Edge length of a sprite in meters."""
ANCHORS = ("lip_outer_0", "lip_outer_6", "lip_upper_1", "cheek_outer_left", "cheek_outer_right", "chin_middle")
ENTRY = 0.22
"""Meters from the face from which an occluder comes."""
MOVE_SECONDS = 0.4
CONTACT_SHADOW = 0.4

# Capsules (start x, start y, end x, end y, radius) in units of a sprite, with y down. The middle touches the face.
HAND = (
    (0.30, 0.78, 0.56, 0.78, 0.150),
    (0.24, 0.68, 0.28, 0.42, 0.047),
    (0.36, 0.64, 0.38, 0.34, 0.050),
    (0.48, 0.64, 0.48, 0.32, 0.050),
    (0.59, 0.66, 0.57, 0.37, 0.045),
    (0.62, 0.84, 0.74, 0.58, 0.052),
    (0.44, 0.90, 0.46, 1.20, 0.130),
)
FIST = (
    (0.34, 0.60, 0.62, 0.60, 0.125),
    (0.33, 0.50, 0.33, 0.56, 0.058),
    (0.43, 0.48, 0.43, 0.56, 0.060),
    (0.53, 0.48, 0.53, 0.56, 0.060),
    (0.63, 0.50, 0.63, 0.56, 0.055),
    (0.50, 0.75, 0.52, 1.20, 0.110),
)
FINGER = ((0.50, 0.48, 0.52, 0.80, 0.050), (0.46, 0.92, 0.66, 0.92, 0.130), (0.56, 0.98, 0.58, 1.20, 0.120))
CUP = ((0.50, 0.62, 0.50, 0.86, 0.200), (0.72, 0.62, 0.72, 0.80, 0.035))
MICROPHONE = ((0.50, 0.52, 0.50, 0.54, 0.110), (0.50, 0.60, 0.50, 1.20, 0.060))
PHONE = ((0.42, 0.40, 0.42, 0.80, 0.060), (0.50, 0.40, 0.50, 0.80, 0.060), (0.58, 0.40, 0.58, 0.80, 0.060))
HANDS, OBJECTS = (HAND, FIST, FINGER), (CUP, MICROPHONE, PHONE)


@dataclass(frozen=True, kw_only=True, eq=False)
class Occluder:
    """Hand or object in front of the face.

    Attributes:
        capsules: parts, such as ``HAND``.
        color: ``(3,)`` display-referred color; None is the color of the skin.
        anchor: landmark that it touches.
        angle: direction in degrees from which it comes; 0 is from below, positive from the image right.
        mirrored: whether it is mirrored.
        scale: size relative to ``SPAN``.
        distance: ``(F,)`` distance in meters from the anchor along that direction; at ``ENTRY`` it is not visible.
        sway: ``(F, 2)`` deviation in meters to the image right and down.
    """

    capsules: tuple[tuple[float, ...], ...]
    color: tuple[float, float, float] | None
    anchor: str
    angle: float
    mirrored: bool
    scale: float
    distance: FloatArray
    sway: FloatArray

    @classmethod
    def sample(cls, rng: np.random.Generator, num_frames: int, fps: float) -> Self:
        """Return a random occluder that touches the face for 1 to 5 seconds of F frames."""
        hand = rng.random() < 0.7
        kinds = HANDS if hand else OBJECTS
        seconds = np.arange(num_frames) / fps
        start, stay = rng.uniform(-1, max(num_frames / fps - 1, 0)), rng.uniform(1, 5)
        near = np.interp(
            seconds, (start - MOVE_SECONDS, start, start + stay, start + stay + MOVE_SECONDS), (0, 1, 1, 0)
        )
        sway = np.stack([smooth_noise(rng, num_frames, 0.5 * fps) for _ in range(2)], axis=1)
        return cls(
            capsules=kinds[rng.integers(len(kinds))],
            color=None if hand else tuple(rng.uniform(0.05, 0.9, 3).tolist()),
            anchor=str(rng.choice(ANCHORS)),
            angle=float(rng.normal(0, 28)),
            mirrored=bool(rng.random() < 0.5),
            scale=rng.uniform(0.8, 1.15),
            distance=(ENTRY * (1 - near)).astype(np.float32),
            sway=(0.003 * sway).astype(np.float32),
        )


def draw_occluder(image: Image, occluder: Occluder, f: int, projection: Projection, skin_color: FloatArray) -> Image:
    """Return frame ``f`` with the occluder. ``skin_color`` ``(3,)`` is display-referred."""
    if occluder.distance[f] >= ENTRY:
        return image
    color = skin_color if occluder.color is None else np.asarray(occluder.color)
    edge = SPAN * occluder.scale * projection.scale
    sprite = _sprite(occluder.capsules, max(32, 16 * round(edge / 16)))
    angle = np.radians(occluder.angle)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.asarray([[cos, sin], [-sin, cos]])  # moves the direction down to the direction of entry
    place = projection.pixels(projection.anchors[occluder.anchor])
    place = place + projection.scale * (occluder.sway[f] + occluder.distance[f] * turn[:, 1])
    linear = turn * [-1 if occluder.mirrored else 1, 1] * (edge / len(sprite))
    matrix = np.column_stack([linear, place - linear @ np.full(2, len(sprite) / 2)])
    shade, opacity = cv2.split(cv2.warpAffine(sprite, matrix, image.shape[1::-1], flags=cv2.INTER_LINEAR))
    behind = cv2.multiply(image, cv2.merge([255 - opacity] * 3), scale=1 / 255)
    painted = cv2.merge([cv2.convertScaleAbs(shade, alpha=value / 255) for value in projection.lit(color)])
    return np.asarray(cv2.add(behind, painted), np.uint8)


@lru_cache(maxsize=8)
def _sprite(capsules: tuple[tuple[float, ...], ...], edge: int) -> Image:
    """Return a sprite ``(edge, edge, 2)``: shade of a white surface, multiplied by its coverage, and opacity."""
    x, y = np.meshgrid(*[(np.arange(edge, dtype=np.float32) + 0.5) / edge] * 2)
    height, cover = np.zeros((edge, edge), np.float32), np.zeros((edge, edge), np.float32)
    for ax, ay, bx, by, radius in capsules:
        dx, dy = bx - ax, by - ay
        along = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0, 1)
        distance = np.hypot(x - ax - along * dx, y - ay - along * dy)
        height = np.maximum(height, np.sqrt(np.maximum(radius**2 - distance**2, 0)))
        cover = np.maximum(cover, np.clip((radius - distance) * edge + 0.5, 0, 1))
    slope_y, slope_x = np.gradient(cv2.GaussianBlur(height, (0, 0), max(0.6, edge * 0.006)) * edge)
    shade = 0.35 + 0.65 * np.clip(
        (0.8 - 0.45 * slope_y - 0.25 * slope_x) / np.sqrt(1 + slope_x**2 + slope_y**2), 0, 1.3
    )
    shadow = CONTACT_SHADOW * cv2.GaussianBlur(cover, (0, 0), edge * 0.03)
    opacity = np.maximum(cover, shadow)
    return np.clip(255 * np.dstack([cover * shade, opacity]), 0, 255).astype(np.uint8)
