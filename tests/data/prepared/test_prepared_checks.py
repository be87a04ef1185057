"""Check of damaged prepared data sets: every kind of damage is reported in its place, and nothing else."""

import hashlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml

from mdhr.action_units import BP4D, DISFA
from mdhr.data.prepared.manifest import DESCRIPTION, TABLE
from mdhr.data.prepared.prepared_checks import check_prepared
from mdhr.data.problems import Problem
from mdhr.data.releases.bp4d import Bp4dRelease
from mdhr.data.releases.preparation import Preparation
from tests.data.conftest import SIZE
from tests.support.raw_trees import build_bp4d

IMAGE = Path("frames/F001/T1/00025.jpg")


def problems_of(root: Path, **settings: Any) -> list[Problem]:
    return check_prepared(root, num_workers=1, **settings)


def describe(root: Path, **changes: object) -> None:
    """Change entries of prepared.yaml; None takes one out."""
    description = yaml.safe_load((root / DESCRIPTION).read_text()) | changes
    kept = {key: value for key, value in description.items() if value is not None}
    (root / DESCRIPTION).write_text(yaml.safe_dump(kept))


def rewrite(root: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Change the table, and let the description know its checksum."""
    content = change(pd.read_parquet(root / TABLE)).to_parquet(index=False)
    (root / TABLE).write_bytes(content)
    describe(root, sha256=hashlib.sha256(content).hexdigest())


def with_cells(table: pd.DataFrame, column: str, cells: dict[int, object], dtype: str = "object") -> pd.DataFrame:
    values = table[column].astype(dtype)
    for row, value in cells.items():
        values.iloc[row] = value
    return table.assign(**{column: values})


def with_checksums(root: Path) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def add(table: pd.DataFrame) -> pd.DataFrame:
        sums = [hashlib.sha256((root / path).read_bytes()).hexdigest()[:16] for path in table["path"]]
        return table.assign(checksum=sums)

    return add


def cut_off(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def draw(path: Path, height: int, width: int) -> None:
    cv2.imwrite(str(path), np.full((height, width, 3), 90, np.uint8))


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


Damage = tuple[Callable[[Path], object], str, str, int]

DAMAGE: dict[str, Damage] = {
    "no description": (lambda root: (root / DESCRIPTION).unlink(), DESCRIPTION, "does not exist", 1),
    "description is a folder": (lambda root: make_folder(root / DESCRIPTION), DESCRIPTION, "cannot be read", 1),
    "description is no YAML": (lambda root: (root / DESCRIPTION).write_text("{a: ["), DESCRIPTION, "cannot be read: line", 1),
    "description is a list": (lambda root: (root / DESCRIPTION).write_text("- 1"), DESCRIPTION, "content", 1),
    "description is binary": (
        lambda root: (root / DESCRIPTION).write_bytes(bytes(range(256))), DESCRIPTION, "cannot be read", 1
    ),
    "an entry is missing": (lambda root: describe(root, size=None), DESCRIPTION, "size: Field required", 1),
    "folds are a number": (lambda root: describe(root, folds=3), DESCRIPTION, "folds: ", 1),
    "unknown action units": (lambda root: describe(root, au_set="BP5D"), DESCRIPTION, "au_set: .*BP5D", 1),
    "no table": (lambda root: (root / TABLE).unlink(), TABLE, "does not exist", 1),
    "another table": (
        lambda root: pd.read_parquet(root / TABLE).iloc[::-1].to_parquet(root / TABLE, index=False),
        TABLE, "does not match the checksum in prepared.yaml", 1,
    ),
    "an empty table": (lambda root: rewrite(root, lambda table: table[:0]), TABLE, "contains no frames", 1),
    "no column of a unit": (
        lambda root: rewrite(root, lambda table: table.drop(columns=["AU4", "AU7"])), TABLE, "no column AU4, AU7", 2
    ),
    "no column of frames": (
        lambda root: rewrite(root, lambda table: table.drop(columns="frame")), TABLE, "no column frame", 1
    ),
    "unknown labels": (
        lambda root: rewrite(root, lambda table: with_cells(table, "AU4", {0: 7, 2: 3}, "int8")),
        "F001/T1", "label 7 of AU4 in frame 20 is not 0, 1 or -1", 2,
    ),
    "labels that are words": (
        lambda root: rewrite(root, lambda table: with_cells(table.astype({"AU4": str}), "AU4", {1: "yes"}, "str")),
        "F001/T1", "label yes of AU4 in frame 21", 1,
    ),
    "labels that are empty": (
        lambda root: rewrite(root, lambda table: with_cells(table, "AU4", {1: None}, "float64")),
        "F001/T1", r"label \(empty\) of AU4 in frame 21", 1,
    ),
    "intensities": (
        lambda root: rewrite(root, lambda table: table.assign(intensity_AU1=[0.5] * 8 + [6] + [2] * (len(table) - 9))),
        "F001/T1", "6.0 of intensity_AU1 in frame 28 is not from 0 to 5", 1,
    ),
    "a frame twice": (
        lambda root: rewrite(root, lambda table: pd.concat([table, table[4:5]])), "F001/T1", "frame 24 has more", 1
    ),
    "a frame number that is none": (
        lambda root: rewrite(root, lambda table: with_cells(table, "frame", {3: None}, "float64")),
        "F001/T1", r"frame number \(empty\) is not an integer", 1,
    ),
    "an image is missing": (lambda root: (root / IMAGE).unlink(), "F001/T1", f"no image {IMAGE.name}", 1),
    "an image is a folder": (lambda root: make_folder(root / IMAGE), "F001/T1", f"no image {IMAGE.name}", 1),
    "an image is cut off": (lambda root: cut_off(root / IMAGE), "F001/T1", f"{IMAGE.name} is damaged", 1),
    "an image is text": (lambda root: (root / IMAGE).write_text("face"), "F001/T1", f"{IMAGE.name} is damaged", 1),
    "an image is another one": (
        lambda root: (rewrite(root, with_checksums(root)), draw(root / IMAGE, SIZE, SIZE)),
        "F001/T1", f"{IMAGE.name} is damaged: not the image that was prepared", 1,
    ),
    "images of another size": (
        lambda root: [draw(root / IMAGE.with_name(f"000{n}.jpg"), 40, SIZE) for n in (27, 25)],
        "F001/T1", "00025.jpg has 32 x 40 px, not 32 x 32", 2,
    ),
    "a subject of no fold": (
        lambda root: describe(root, folds={1: ["F001"], 2: ["F002", "M001"], 3: ["M002"]}),
        "M003", "is a test subject of no fold", 1,
    ),
    "a subject of two folds": (
        lambda root: describe(root, folds={1: ["F001", "M003"], 2: ["F002", "M001"], 3: ["M002", "M003"]}),
        "M003", "is a test subject of 2 folds", 1,
    ),
    "a fold names who is not there": (
        lambda root: describe(root, folds={1: ["F001", "F003"], 2: ["F002", "M001"], 3: ["M002", "M003"]}),
        "fold 1", "no frames and no labels of F003", 1,
    ),
}  # fmt: skip


def test_complete_data_set_has_no_problems(tiny: Path, tmp_path: Path) -> None:
    assert problems_of(tiny) == []
    shutil.copytree(tiny, tmp_path, dirs_exist_ok=True)
    rewrite(tmp_path, with_checksums(tmp_path))
    assert problems_of(tmp_path, au_set=BP4D) == []


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found_where_it_is(kind: str, tiny: Path, tmp_path: Path) -> None:
    damage, where, what, count = DAMAGE[kind]
    shutil.copytree(tiny, tmp_path, dirs_exist_ok=True)
    damage(tmp_path)
    (problem,) = problems_of(tmp_path)
    assert (problem.where, problem.count, problem.level) == (where, count, "error")
    assert re.search(what, problem.what), problem.what


@pytest.mark.parametrize("content", [b"", b"no parquet", bytes(range(256)) * 99])
def test_invalid_table_is_a_problem(content: bytes, tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path, dirs_exist_ok=True)
    (tmp_path / TABLE).write_bytes(content)
    checksum, table = problems_of(tmp_path)
    assert "does not match the checksum" in checksum.what
    assert table.what.startswith("is not a parquet table")


def test_a_table_is_checked_without_its_description(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path, dirs_exist_ok=True)
    (tmp_path / DESCRIPTION).unlink()
    (tmp_path / IMAGE).unlink()
    assert [p.where for p in problems_of(tmp_path, au_set=BP4D)] == [DESCRIPTION, "F001/T1"]


def test_other_action_units_are_a_problem(tiny: Path) -> None:
    (problem,) = problems_of(tiny, au_set=DISFA)
    assert problem.what == "prepared with the action units of BP4D, not of DISFA"


def test_absent_subjects_are_notes_if_partial(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path, dirs_exist_ok=True)
    DAMAGE["a fold names who is not there"][0](tmp_path)
    assert [p.level for p in problems_of(tmp_path, partial=True)] == ["note"]


def test_rare_faces_and_unlisted_images_are_notes(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path, dirs_exist_ok=True)
    video = slice(0, 9)  # F001/T1

    def change(table: pd.DataFrame) -> pd.DataFrame:
        found = np.ones(len(table), bool)
        found[video] = [True, True, *[False] * 7]
        return table.assign(face_found=found)[table["subject"] != "M002"]

    rewrite(tmp_path, change)
    describe(tmp_path, folds={1: ["F001"], 2: ["F002", "M001"], 3: ["M003"]})
    face, *extra = problems_of(tmp_path)
    assert (face.where, face.what) == ("F001/T1", "face found in 22% of the frames")
    assert [(p.where, p.count) for p in extra] == [("frames/M002/T1", 4), ("frames/M002/T2", 5)]
    assert {p.level for p in (face, *extra)} == {"note"}


def test_suggested_fix_works(tmp_path: Path) -> None:
    build_bp4d(tmp_path / "raw", tasks=("T1",))
    preparation = Preparation(
        root=tmp_path / "prepared", name="bp4d", release=Bp4dRelease(root=tmp_path / "raw", au_set=BP4D),
        detector=None, size=64, fill=0.74, smoothing=0.2, quality=90, num_workers=1,
    )  # fmt: skip
    preparation.run()
    assert {p.level for p in problems_of(tmp_path / "prepared", partial=True)} == {"note"}
    draw(tmp_path / "prepared/frames/F001/T1/00645.jpg", 64, 64)
    (tmp_path / "prepared/frames/F003/T1/00646.jpg").unlink()
    missing, damaged = (p for p in problems_of(tmp_path / "prepared", partial=True) if p.level == "error")
    assert missing.fix == "delete prepared.yaml and prepare it again"
    assert damaged.fix == "delete it, delete prepared.yaml and prepare it again"
    (tmp_path / "prepared/frames/F001/T1/00645.jpg").unlink()
    (tmp_path / "prepared" / DESCRIPTION).unlink()
    preparation.run()
    assert {p.level for p in problems_of(tmp_path / "prepared", partial=True)} == {"note"}


def test_unexpected_cell_types_raise_no_exception(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path, dirs_exist_ok=True)
    for column in ("subject", "task", "frame", "path", "AU1", "checksum", "face_found"):
        for value in ([1, 2], {"a": 1}, b"\x00", None, "\x00"):
            shutil.copy(tiny / DESCRIPTION, tmp_path)
            shutil.copy(tiny / TABLE, tmp_path)
            rewrite(tmp_path, lambda table: table.assign(**{column: [value] * len(table)}))  # noqa: B023
            assert problems_of(tmp_path) or column == "checksum"
