"""Conversion of the ICT-FaceKit head to the head model asset.

The input is a file of arrays in the units of ICT-FaceKit: centimeters, y up, z to the front. The asset uses the axes
and the origin of :mod:`mdhr.synthetic.head`, in meters. It contains the part of the mesh that is rendered, reduced to
fewer triangles; the left half is reduced and mirrored. Lashes, tear fluid, and eye sockets are dropped. The result is
deterministic; across machines or numbers of BLAS threads, single visibility coefficients differ in the last float16
digit.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mdhr.files.atomic import temporary_path
from mdhr.synthetic.anny_head import DISPLACEMENT_STEP, load_anny_head
from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.ict_facekit import IctFaceKit, mixture, read_ict_facekit
from mdhr.synthetic.ict_head import EQUIVALENTS
from mdhr.synthetic.ict_phenotypes import phenotype_directions
from mdhr.synthetic.ict_regions import FACE, part_masks, vertex_importance
from mdhr.synthetic.layout_warp import warp_to_layout
from mdhr.synthetic.mesh_reduction import reduce_mesh
from mdhr.synthetic.self_shadowing import CONSTANT_HARMONIC, measure_visibility

NUM_TRIANGLES = {"body": 6800, "eyes": 280, "teeth": 900, "tongue": 420}
"""Number of triangles of each part after the reduction."""
BACK, EYE_BACK, TOP, BOTTOM = -0.112, -0.002, 0.112, -0.20
"""Limits in meters of the rendered part: depth, depth of the eyeballs, and height."""
TEETH_WIDTH, TEETH_FACING = 0.024, -0.2
"""Distance of the last rendered tooth from the midline in meters, and smallest z of the normals of teeth and gums."""
TONGUE_VISIBILITY = ((-0.01, 0.03), (0.08, 0.5))
"""Depths (z, in meters) and visibility of tongue and gums. The closed lips of the template would hide them."""
FACE_BACK, FACE_BOTTOM, FACE_TOP = -0.03, -0.115, 0.06
"""Limits in meters of the vertices that define the directions of sex and age."""
SHOULDERS = -0.08
"""Height in meters below which the rendered part reaches further back."""
POSES: tuple[dict[str, float], ...] = (
    {},
    {"jawOpen": 0.6},
    {"eyeBlink": 1.0},
    {"mouthSmile": 1.0, "cheekSquint": 1.0},
    {"noseSneer": 1.0, "mouthUpperUp": 1.0},
    {"browInnerUp": 1.0, "browOuterUp": 1.0},
    {"browDown": 1.0, "mouthFrown": 1.0, "mouthLowerDown": 1.0},
    {"mouthRollUpper": 0.5, "mouthRollLower": 0.5, "mouthPress": 1.0},
)
"""Poses in which the reduced mesh approximates the original one, as weights of expressions."""


def rendered_triangles(model: IctFaceKit) -> NDArray[np.bool_]:
    """Return the mask ``(K,)`` of the triangles that a camera in front of the head may see."""
    x, y, z = model.vertices[model.triangles].mean(1).T
    depth = np.where(model.parts == "eyes", EYE_BACK, np.where(y < SHOULDERS, BACK - 0.05, BACK))
    inside = (model.parts != "") & (z > depth) & (y < TOP) & (y > BOTTOM)
    a, b, c = np.moveaxis(model.vertices[model.triangles], 1, 0)
    normal = np.cross(b - a, c - a)
    hidden = normal[:, 2] < TEETH_FACING * np.linalg.norm(normal, axis=1)
    hidden |= (model.parts == "teeth") & (np.abs(x) > TEETH_WIDTH)
    return inside & ~(hidden & np.isin(model.parts, ("teeth", "tongue")))


def posed_vertices(model: IctFaceKit) -> FloatArray:
    """Return the vertices ``(P, V, 3)`` in ``POSES``, with both sides of an expression."""
    return np.stack([model.vertices + mixture(model.expressions, weights) for weights in POSES])


def reduce_head(model: IctFaceKit) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    """Return triangles ``(K, 3)`` and their parts after the reduction, symmetric about the midline."""
    poses, importance, rendered = posed_vertices(model), vertex_importance(model), rendered_triangles(model)
    left = model.vertices[model.triangles].mean(1)[:, 0] > 0
    triangles, parts = [], []
    for part, number in NUM_TRIANGLES.items():
        half = model.triangles[rendered & left & (model.parts == part)]
        used, local = np.unique(half, return_inverse=True)
        reduced = used[
            reduce_mesh(poses[:, used], local.reshape(-1, 3), num_triangles=number // 2, importance=importance[used])
        ]
        everywhere = np.unique(model.triangles[model.parts == part])
        tree = cKDTree(model.vertices[everywhere])
        partner = everywhere[tree.query(model.vertices[used] * [-1, 1, 1])[1]]
        mirrored = partner[np.searchsorted(used, reduced)][:, ::-1]
        triangles += [reduced, mirrored]
        parts += [part] * (len(reduced) + len(mirrored))
    return np.concatenate(triangles), np.asarray(parts)


def model_visibility(model: IctFaceKit) -> NDArray[np.float16]:
    """Return the visibility coefficients ``(V, 16)``, occluded by the complete mesh."""
    visibility = measure_visibility(model.vertices, model.triangles[model.parts != ""])
    tongue = np.unique(model.triangles[model.parts == "tongue"])
    visibility[tongue] = 0
    visibility[tongue, 0] = np.interp(model.vertices[tongue, 2], *TONGUE_VISIBILITY) / CONSTANT_HARMONIC
    return visibility


def bake_ict_head(source: Path, asset: Path) -> None:
    """Write the asset. Raises ``InputError`` if the source is invalid or the asset cannot be written."""
    arrays = head_arrays(read_ict_facekit(source))
    asset.parent.mkdir(parents=True, exist_ok=True)
    with temporary_path(asset) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def head_arrays(model: IctFaceKit) -> dict[str, NDArray]:
    """Return the arrays of the asset by name."""
    triangles, parts = reduce_head(model)
    used, local = np.unique(triangles, return_inverse=True)
    masks, part_names = part_masks(model), sorted(NUM_TRIANGLES)
    names = sorted({name for shapes in EQUIVALENTS.values() for name in shapes})

    def steps(displacements: list[FloatArray] | FloatArray) -> NDArray[np.int16]:
        return np.round(np.stack(list(displacements)) / DISPLACEMENT_STEP).astype(np.int16)

    template, reference = model.vertices[used], load_anny_head()
    layout = warp_to_layout(template, model.vertices, model.landmarks, reference=reference)
    _, y, z = template.T
    face = (used < FACE.stop) & (z > FACE_BACK) & (y > FACE_BOTTOM) & (y < FACE_TOP)
    frontal = np.concatenate([layout, template[:, 2:]], axis=1)
    directions = phenotype_directions(frontal[face], model.modes[:, used[face]], reference=reference)
    return {
        "template": template,
        "layout": layout,
        "phenotypes": directions,
        "triangles": local.reshape(-1, 3).astype(np.uint16),
        "parts": np.asarray([part_names.index(part) for part in parts], np.uint8),
        "part_names": np.asarray(part_names),
        "modes": steps(model.modes[:, used]),
        "shapes": steps([model.expressions[name][used] for name in names]),
        "shape_names": np.asarray(names),
        "visibility": model_visibility(model)[used],
        "masks": np.stack([np.round(255 * mask[used]).astype(np.uint8) for mask in masks.values()]),
        "mask_names": np.asarray(list(masks)),
    }
