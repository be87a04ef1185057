"""Projection of rigid accessories from the coordinates of an identity into a frame."""

from dataclasses import dataclass

import numpy as np

from mdhr.synthetic.array_types import FloatArray

SUBPIXEL_BITS = 4
"""Fractional bits of the coordinates that OpenCV draws with."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Projection:
    """Pose of the head and camera of one frame.

    Attributes:
        rotation: ``(3, 3)`` from the meters of ``Identity.neutral`` to the camera.
        offset: ``(3,)`` translation in meters.
        focal: focal length in pixels.
        size: height and width of the frame in pixels.
        light: ``(3,)`` display-referred factor on the colors of drawn objects.
        anchors: position ``(3,)`` of each landmark of the resting face in the meters of ``Identity.neutral``, by name.
    """

    rotation: FloatArray
    offset: FloatArray
    focal: float
    size: int
    light: FloatArray
    anchors: dict[str, FloatArray]

    def pixels(self, points: FloatArray) -> FloatArray:
        """Return pixel coordinates ``(..., 2)`` (right, down) of points ``(..., 3)``. Integers are pixel centers."""
        placed = points @ self.rotation.T + self.offset
        view = placed[..., :2] / -placed[..., 2:] * [self.focal, -self.focal]
        return view + (self.size / 2 - 0.5)

    def fixed_point(self, points: FloatArray) -> np.ndarray:
        """Return pixel coordinates as int32 with ``SUBPIXEL_BITS`` fractional bits, as OpenCV's drawing functions read."""
        return np.round(self.pixels(points) * 2**SUBPIXEL_BITS).astype(np.int32)

    @property
    def scale(self) -> float:
        """Pixels per meter at the head."""
        return self.focal / -float(self.offset[2])

    def width(self, meters: float) -> int:
        """Return the stroke width in pixels, at least 1."""
        return max(1, round(meters * self.scale))

    def lit(self, color: FloatArray) -> tuple[int, ...]:
        """Return an RGB color in 0 to 255 of a display-referred color in 0 to 1 in the light of the frame."""
        return tuple(int(value) for value in np.clip(color * self.light * 255, 0, 255))
