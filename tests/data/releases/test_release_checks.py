"""Check of damaged releases: every kind of damage is reported in its place, and nothing else."""

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mdhr.action_units import BP4D, DISFA
from mdhr.data.fold_checks import check_fold_subjects
from mdhr.data.folds import BP4D_FOLDS
from mdhr.data.problems import Problem
from mdhr.data.releases.bp4d import Bp4dRelease
from mdhr.data.releases.contents import ReleaseContents, ReleaseVideo
from mdhr.data.releases.disfa import DisfaRelease
from mdhr.data.releases.release_checks import check_release
from tests.support.raw_trees import VARIANTS, build_bp4d

LABELS = Path("AUCoding/AU_OCC")


def problems_of(root: Path, *, deep: bool = False, partial: bool = True) -> list[Problem]:
    disfa = (root / "ActionUnit_Labels").is_dir()
    release = DisfaRelease(root=root, au_set=DISFA) if disfa else Bp4dRelease(root=root, au_set=BP4D)
    return check_release(release.read(), deep=deep, partial=partial, num_workers=1)


def errors_of(root: Path, *, deep: bool = False, partial: bool = True) -> list[Problem]:
    return [p for p in problems_of(root, deep=deep, partial=partial) if p.level == "error"]


@pytest.fixture(scope="session")
def bp4d(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bp4d")
    build_bp4d(root)
    return root


@pytest.mark.parametrize("name", VARIANTS)
def test_complete_release_has_no_errors(name: str, tmp_path: Path) -> None:
    build, settings = VARIANTS[name]
    build(tmp_path, **settings)
    assert errors_of(tmp_path, deep=True) == []


def edit(file: Path, change: Callable[[pd.DataFrame], pd.DataFrame | None]) -> None:
    """Change a BP4D label file in place; cells are text."""
    table = pd.read_csv(file, dtype=str)
    changed = change(table)
    (table if changed is None else changed).to_csv(file, index=False)


def set_cells(file: Path, cells: dict[tuple[int, str], str]) -> None:
    def change(table: pd.DataFrame) -> None:
        for place, value in cells.items():
            table.loc[place] = value

    edit(file, change)


def drop_lines(file: Path, *rows: int) -> None:
    edit(file, lambda table: table.drop(index=list(rows)))


def replace_by(path: Path, content: bytes | None) -> None:
    """The file becomes another one, or with None a folder."""
    path.unlink()
    path.mkdir() if content is None else path.write_bytes(content)


def cut_off(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


Damage = tuple[Callable[[Path], object], str, str, int]
NOT_TABLES = {"a binary file": bytes(range(256)) * 8, "nothing in it": b"", "white space": b"\n\n  \n"}

BP4D_DAMAGE: dict[str, Damage] = {
    "unknown values": (
        lambda root: set_cells(root / LABELS / "F001_T1.csv", {(2, "4"): "7", (5, "24"): "x", (6, "1"): ""}),
        "AUCoding/AU_OCC/F001_T1.csv", "label 7 of AU4 in frame 645 is not 0, 1 or 9", 2,
    ),
    "duplicate rows": (
        lambda root: edit(root / LABELS / "F001_T1.csv", lambda table: pd.concat([table, table[3:5]])),
        "AUCoding/AU_OCC/F001_T1.csv", "frame 646 has more than one line", 2,
    ),
    "labels without frames": (
        lambda root: [(root / f"F003/T2/0{frame}.jpg").unlink() for frame in (643, 646, 651)],
        "F003/T2", "labels without a frame: no image of frame 643", 3,
    ),
    "frames without labels": (
        lambda root: drop_lines(root / LABELS / "F003_T2.csv", 2, 3),
        "F003/T2", "frames without labels: no line for frame 645", 2,
    ),
    "a gap": (
        lambda root: (
            drop_lines(root / LABELS / "M007_T1.csv", 4, 5),
            [(root / f"M007/T1/0{frame}.jpg").unlink() for frame in (647, 648)],
        ),
        "M007/T1", "2 frames are missing before frame 649", 1,
    ),
    "no label file": (
        lambda root: (root / LABELS / "M011_T1.csv").unlink(), "M011/T1", "frames without a readable label file", 1
    ),
    "no images": (lambda root: shutil.rmtree(root / "M011/T2"), "M011/T2", "labels without images or a readable video", 1),
    "an empty folder": (
        lambda root: [file.unlink() for file in (root / "M011/T2").iterdir()],
        "M011/T2", "labels without images or a readable video", 1,
    ),
    "a video that is not there at all": (
        lambda root: (shutil.rmtree(root / "F015/T1"), (root / LABELS / "F015_T1.csv").unlink()),
        "F015/T1", "no such video, but other subjects have T1", 1,
    ),
    "a subject that is not there at all": (
        lambda root: (shutil.rmtree(root / "F015"), [f.unlink() for f in (root / LABELS).glob("F015*")]),
        "fold 1", "no frames and no labels of F004, F006, F012, F014, F015,", 12,
    ),
    "a subject of no fold": (
        lambda root: ((root / "F007").rename(root / "F077"), [
            f.rename(f.with_name(f.name.replace("F007", "F077"))) for f in (root / LABELS).glob("F007*")
        ]),
        "F077", "is a test subject of no fold", 1,
    ),
    "a label file that is a folder": (
        lambda root: replace_by(root / LABELS / "F007_T1.csv", None), "F007/T1", "frames without a readable label file", 1
    ),
    "a header that is missing": (
        lambda root: edit(root / LABELS / "F007_T1.csv", lambda t: t.iloc[1:].set_axis(t.iloc[0].to_list(), axis=1)),
        "AUCoding/AU_OCC/F007_T1.csv", "no header: the first line contains labels; add a line with the AU numbers", 1,
    ),
    "three columns": (
        lambda root: edit(root / LABELS / "F007_T1.csv", lambda table: table[["0", "1", "2"]]),
        "AUCoding/AU_OCC/F007_T1.csv", r"no column for AU4 \(10 missing\)", 1,
    ),
    "a line that is longer": (
        lambda root: (root / LABELS / "F007_T1.csv").open("a").write("651,1" + ",0" * 40 + "\n"),
        "AUCoding/AU_OCC/F007_T1.csv", "line 10 has 42 columns, the first line has 24", 1,
    ),
    "a file that is cut off": (
        lambda root: cut_off(root / LABELS / "F007_T1.csv"),
        "AUCoding/AU_OCC/F007_T1.csv", r"line \d has \d+ columns, the first line has 24", 1,
    ),
    **{
        f"columns separated by {name}": (
            lambda root, mark=mark: (root / LABELS / "F007_T1.csv").write_text(
                (root / LABELS / "F007_T1.csv").read_text().replace(",", mark)
            ),
            "AUCoding/AU_OCC/F007_T1.csv", f"its columns are separated by {name}; replace them by commas", 1,
        )
        for mark, name in ((";", "semicolons"), ("\t", "tabs"), (" ", "spaces"))
    },
    "another encoding": (
        lambda root: (root / LABELS / "F007_T1.csv").write_text(
            (root / LABELS / "F007_T1.csv").read_text(), encoding="utf-16"
        ),
        "AUCoding/AU_OCC/F007_T1.csv", "is not UTF-8 text; save it as CSV UTF-8", 1,
    ),
    "a frame that is no number": (
        lambda root: set_cells(root / LABELS / "F007_T1.csv", {(1, "0"): "six"}),
        "AUCoding/AU_OCC/F007_T1.csv", "'six' in the frame column is not an integer", 1,
    ),
    "an image that is cut off": (lambda root: cut_off(root / "F001/T2/0650.jpg"), "F001/T2", "frame 650 is trunc", 1),
    "images that are text": (
        lambda root: [(root / f"F001/T2/0{frame}.jpg").write_text("face") for frame in (645, 644)],
        "F001/T2", "frame 644 is truncated or not an image", 2,
    ),
    "an image that is a folder": (lambda root: replace_by(root / "F001/T2/0650.jpg", None), "F001/T2", "no image", 1),
    "two images of one number": (
        lambda root: shutil.copy(root / "F001/T2/0650.jpg", root / "F001/T2/650.jpg"),
        "F001/T2", r"650\.jpg has the number of another image", 1,
    ),
    **{
        f"a label file with {name}": (
            lambda root, content=content: replace_by(root / LABELS / "F007_T1.csv", content),
            "AUCoding/AU_OCC/F007_T1.csv", "", 1,
        )
        for name, content in NOT_TABLES.items()
    },
}  # fmt: skip
UNREADABLE = "frames without a readable label file"
MISSING_KINDS = ("a video that", "a subject that")
"""What partial=true is for."""


@pytest.mark.parametrize("kind", BP4D_DAMAGE)
def test_damage_of_bp4d_is_found_where_it_is(kind: str, bp4d: Path, tmp_path: Path) -> None:
    damage, where, what, count = BP4D_DAMAGE[kind]
    root = tmp_path / "release"
    shutil.copytree(bp4d, root)
    damage(root)
    errors = errors_of(root, deep=True, partial=not kind.startswith(MISSING_KINDS))
    found = [p for p in errors if p.where == where and re.search(what, p.what)]
    assert [p.count for p in found] == [count], errors
    others = [p for p in errors if p not in found and not p.what.startswith((UNREADABLE, "no frames and no labels"))]
    assert others == [], "nothing else is wrong"


def test_all_problems_are_reported_together(bp4d: Path, tmp_path: Path) -> None:
    """All damages that are found in different places, in one tree."""
    root = tmp_path / "release"
    shutil.copytree(bp4d, root)
    kinds = ["unknown values", "labels without frames", "a gap", "no label file", "no images", "three columns"]
    for kind in kinds:
        BP4D_DAMAGE[kind][0](root)
    places = {p.where for p in errors_of(root)}
    assert places >= {BP4D_DAMAGE[kind][1] for kind in kinds}


def test_frames_outside_the_labeled_range_are_one_note(tmp_path: Path) -> None:
    build_bp4d(tmp_path, subjects=("F001", "F002"), extra_before=3, extra_after=2)
    (note,) = (p for p in problems_of(tmp_path) if "fold" not in p.where)
    assert (note.where, note.count, note.level) == ("BP4D", 4 * 5, "note")
    assert "first 640 of F001/T1" in note.what


def test_absent_subjects_are_errors_unless_partial(bp4d: Path) -> None:
    assert [p.where for p in errors_of(bp4d, partial=False)] == ["fold 1", "fold 2", "fold 3"]
    notes = problems_of(bp4d)
    assert [(p.where, p.count, p.level) for p in notes] == [
        ("fold 1", 11, "note"), ("fold 2", 12, "note"), ("fold 3", 12, "note")
    ]  # fmt: skip


def test_empty_release_lacks_all_subjects(tmp_path: Path) -> None:
    assert sum(p.count for p in errors_of(tmp_path, deep=True, partial=False)) == 41


def test_a_subject_in_two_folds() -> None:
    (problem,) = check_fold_subjects({1: ["A", "B"], 2: ["B", "C"]}, {"A", "B", "C"})
    assert (problem.where, problem.what) == ("B", "is a test subject of 2 folds")


def test_a_release_as_large_as_bp4d_is_checked_in_seconds() -> None:
    rng = np.random.default_rng(0)
    subjects = sorted(subject for members in BP4D_FOLDS.values() for subject in members)
    lengths = [448] * 231 + [447] * 97
    names = [(subject, f"T{task}") for subject in subjects for task in range(1, 9)]
    numbers = [np.arange(643, 643 + length) for length in lengths]
    labels = pd.DataFrame(
        {
            "subject": np.repeat([subject for subject, _ in names], lengths),
            "task": np.repeat([task for _, task in names], lengths),
            "frame": np.concatenate(numbers),
        }
    )
    assert len(labels) == 146_847
    labels["file"] = labels["subject"] + "_" + labels["task"] + ".csv"
    labels[list(BP4D.columns)] = rng.choice(["0", "1", "9"], (len(labels), 12))
    labels.loc[5000, "AU7"] = "8"
    videos = tuple(ReleaseVideo(*name, Path(), n, None) for name, n in zip(names, numbers, strict=True))
    release = ReleaseContents(Path(), "BP4D", BP4D, 25.0, BP4D_FOLDS, videos, labels, ())
    begin = time.perf_counter()
    (problem,) = check_release(release)
    assert time.perf_counter() - begin < 20, "seconds; a quarter of that where nothing else runs"
    assert (problem.where, problem.count) == (labels.loc[5000, "file"], 1)


def test_subjects_outside_of_a_single_fold_are_training_subjects() -> None:
    assert check_fold_subjects({1: ["A"]}, {"A", "B", "C"}) == []
