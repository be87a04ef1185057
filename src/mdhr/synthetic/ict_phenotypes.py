"""Directions of sex and age in the identity space of ICT-FaceKit, whose modes have no names.

The first head has displacements for both properties. They are transferred to the nearest vertices of the second head,
and approximated by its identity modes, so that the result stays a plausible head.

Letters: M identity modes, N vertices.
"""

from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from mdhr.synthetic.anny_head import AnnyShapes
from mdhr.synthetic.appearance import ANCESTRIES, Appearance, sample_appearance
from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.head import HeadModel

PROPERTIES = ("masculinity", "age")
"""Properties of :class:`Appearance` between 0 and 1."""
NUM_NEIGHBORS = 4
NOISE = 0.001
"""Standard deviation in meters of the transferred displacements. It limits the weights of weak modes."""


def phenotype_directions(frontal: FloatArray, modes: FloatArray, *, reference: HeadModel) -> FloatArray:
    """Return mode weights ``(2, M)`` that change one of ``PROPERTIES`` from 0 to 1.

    ``frontal`` ``(N, 3)`` are vertices of the front of the face, warped to the reference's frontal view; ``modes``
    ``(M, N, 3)`` are their displacements.
    """
    transferred = []
    body = np.flatnonzero(reference.mesh.front)
    distance, neighbor = cKDTree(reference.mesh.template[body]).query(frontal, NUM_NEIGHBORS)
    share = 1 / (distance + 1e-4)
    share /= share.sum(1, keepdims=True)
    for displacement in reference_displacements(reference):
        transferred.append((displacement[body[neighbor]] * share[..., None]).sum(1).ravel())
    num_modes = len(modes)
    # translation and scale are free: the renderer normalizes them
    offsets = np.tile(np.eye(3), (len(frontal), 1))
    design = np.concatenate([modes.reshape(num_modes, -1).T, offsets, frontal.reshape(-1, 1)], axis=1).astype(
        np.float64
    )
    penalty = np.concatenate([np.full(num_modes, NOISE**2 * len(frontal)), np.full(4, 1e-12)])
    weights = np.linalg.solve(design.T @ design + np.diag(penalty), design.T @ np.stack(transferred, axis=1))
    return weights[:num_modes].T.astype(np.float32)


def reference_displacements(reference: HeadModel) -> list[FloatArray]:
    """Return the displacement ``(V, 3)`` of each property in the reference."""
    shapes = reference.shapes
    assert isinstance(shapes, AnnyShapes)
    ancestry = np.full(len(ANCESTRIES), 1 / len(ANCESTRIES), np.float32)
    average = replace(sample_appearance(np.random.default_rng(0)), ancestry=ancestry, weight=0.0)
    female, male = (shapes.phenotype(replace(average, masculinity=value, age=0.5)) for value in (0.0, 1.0))
    young, old = (shapes.phenotype(replace(average, masculinity=0.5, age=value)) for value in (0.0, 1.0))
    return [male - female, old - young]


def property_values(appearance: Appearance) -> FloatArray:
    """Return the deviation ``(2,)`` of ``PROPERTIES`` from 0.5."""
    return np.asarray([getattr(appearance, name) - 0.5 for name in PROPERTIES], np.float32)
