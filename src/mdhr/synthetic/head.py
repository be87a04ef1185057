"""Interface of a head model: geometry, movements, masks, UV coordinates, and shape variation.

Every function that renders or paints a face receives a :class:`HeadModel`. A model must be aligned to one frame: x
points to the subject's left (right in the image), y up, z to the front, in meters, with the origin between the eyeballs
of the template. The painters and the renderer use positions in this frame.

Letters: V vertices, K triangles, W movements.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from mdhr.synthetic.appearance import Appearance
from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.self_shadowing import CONSTANT_HARMONIC, spherical_harmonics

FRONT_VISIBILITY = 0.6
"""Visibility of the frontal direction from which a vertex counts as visible from the front."""


@dataclass(frozen=True, kw_only=True, eq=False)
class HeadMesh:
    """Mean head with its parts, masks, and visibility.

    Attributes:
        template: ``(V, 3)`` vertices of the mean head in meters.
        triangles: ``(K, 3)`` vertex indices, counterclockwise when viewed from outside.
        parts: ``(K,)`` part of each triangle: ``body``, ``eyes``, ``teeth``, or ``tongue`` (with gums).
        masks: ``(V,)`` weights in 0 to 1, named ``lips``, ``inside-mouth``, ``ears``, and ``eyelids``.
        visibility: ``(V, 16)`` spherical harmonics of the unoccluded directions, see
            :mod:`mdhr.synthetic.self_shadowing`.
    """

    template: FloatArray
    triangles: NDArray[np.int32]
    parts: np.ndarray
    masks: dict[str, FloatArray]
    visibility: FloatArray

    @classmethod
    def from_asset(cls, asset: Mapping[str, np.ndarray]) -> Self:
        """Return the mesh in the arrays of a baked asset."""
        masks = zip(asset["mask_names"], asset["masks"], strict=True)
        return cls(
            template=asset["template"],
            triangles=asset["triangles"].astype(np.int32),
            parts=asset["part_names"][asset["parts"]],
            masks={str(name): mask.astype(np.float32) / 255 for name, mask in masks},
            visibility=asset["visibility"].astype(np.float32),
        )

    def part_vertices(self, part: str) -> NDArray[np.int64]:
        """Return the vertex indices of a part."""
        return np.unique(self.triangles[self.parts == part])

    @cached_property
    def eyes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Vertex indices of the left and the right eyeball."""
        eyes = self.part_vertices("eyes")
        left = self.template[eyes, 0] > 0
        return eyes[left], eyes[~left]

    @cached_property
    def teeth(self) -> NDArray[np.int64]:
        """Vertex indices of the upper and the lower teeth."""
        return self.part_vertices("teeth")

    @cached_property
    def openness(self) -> FloatArray:
        """``(V,)`` ambient occlusion: unoccluded fraction of the front hemisphere, in 0 to 1."""
        return np.clip(self.visibility[:, 0] * CONSTANT_HARMONIC * 2, 0, 1)

    @cached_property
    def front(self) -> NDArray[np.bool_]:
        """``(V,)`` mask of the body vertices that a frontal camera sees."""
        visible = self.visibility @ spherical_harmonics(np.asarray([0.0, 0.0, 1.0])) > FRONT_VISIBILITY
        body = np.zeros(len(self.template), bool)
        body[self.part_vertices("body")] = True
        return visible & body & (self.masks["inside-mouth"] < 0.5)


class ShapeModel(Protocol):
    """Shape variation between identities."""

    def sample(self, appearance: Appearance, rng: np.random.Generator) -> FloatArray:
        """Return vertices ``(V, 3)`` of a neutral head whose proportions match an appearance."""
        ...

    def sample_resting_expression(self, rng: np.random.Generator) -> FloatArray:
        """Return the displacement ``(V, 3)`` of a resting expression as large as a weak action unit."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class HeadModel:
    """Everything that the painters and the renderer need of a head.

    Attributes:
        mesh: geometry and masks.
        uv: ``(V, 2)`` UV coordinates in 0 to 1 (right, down), in the layout of :mod:`mdhr.synthetic.uv_layout`.
        layout: ``(V, 2)`` layout coordinates of the skin in meters, see :mod:`mdhr.synthetic.uv_layout`.
        landmarks: vertex index of each landmark, see :mod:`mdhr.synthetic.landmarks`.
        movements: ``(W, V * 3)`` displacements at weight 1: left and right half of every action unit of ``AUS``, then
            ``EXTRA_MOVEMENTS``, see :mod:`mdhr.synthetic.movements`.
        shapes: shape variation between identities.
        rendered: ``(K,)`` mask of the triangles that the renderer draws.
    """

    mesh: HeadMesh
    uv: FloatArray
    layout: FloatArray
    landmarks: dict[str, int]
    movements: FloatArray
    shapes: ShapeModel
    rendered: NDArray[np.bool_]
