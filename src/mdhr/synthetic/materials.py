"""Light response of the vertices: darkness of the mouth and the teeth, ambient light, and gloss."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.head import HeadModel

SPECULAR = 0.022
BENCH_TEETH, GENERAL_TEETH = (0.0135, 0.81), (0.021, 1.0)
"""Distance from the midline in meters within which teeth are lit, because the cheeks shade the others, and their light.

In the general style, the teeth of a smile are the brightest part of the face.
"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Material:
    """Light response of V vertices.

    Attributes:
        dark: ``(V,)`` factor on direct light.
        ambient_share: ``(V,)`` factor on ambient light.
        specular: ``(V,)`` strength of the highlights.
    """

    dark: FloatArray
    ambient_share: FloatArray
    specular: FloatArray

    @classmethod
    def of(cls, head: HeadModel, *, teeth: tuple[float, float]) -> Self:
        """Return the material of a head with ``BENCH_TEETH`` or ``GENERAL_TEETH``."""
        mesh = head.mesh
        dark = 1 - 0.85 * np.clip(mesh.masks["inside-mouth"] * 1.3, 0, 1) * (1 - mesh.masks["lips"])
        lit_within, light = teeth
        dark[mesh.teeth] = 0.04 + light * np.exp(-((mesh.template[mesh.teeth, 0] / lit_within) ** 4))
        eyes = np.concatenate(mesh.eyes)
        openness = mesh.openness.copy()
        openness[eyes] = 0.85
        openness[mesh.teeth] = 0.7
        specular = np.full(len(mesh.template), SPECULAR, np.float32) * (1 + 1.5 * mesh.masks["lips"]) * dark
        specular[eyes] = 0
        return cls(dark=dark, ambient_share=dark * (0.15 + 0.85 * openness), specular=specular)
