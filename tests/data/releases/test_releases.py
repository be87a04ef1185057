"""Readers of BP4D and DISFA on all supported layouts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mdhr.action_units import BP4D, DISFA
from mdhr.data.prepared.manifest import KEY
from mdhr.data.releases.bp4d import Bp4dRelease
from mdhr.data.releases.disfa import DisfaRelease
from mdhr.data.releases.label_table import label_table
from mdhr.data.releases.release_checks import check_release
from mdhr.data.releases.released_lists import read_released_lists
from mdhr.errors import InputError
from tests.support.raw_trees import VARIANTS, build_bp4d, build_disfa


def release_of(root: Path, variant: str) -> Bp4dRelease | DisfaRelease:
    if variant.startswith("bp4d"):
        return Bp4dRelease(root=root, au_set=BP4D)
    return DisfaRelease(root=root, au_set=DISFA, camera="right" if "right" in variant else "left")


@pytest.mark.parametrize("variant", VARIANTS)
def test_labels_of_every_layout_are_those_that_were_written(tmp_path: Path, variant: str) -> None:
    build, arguments = VARIANTS[variant]
    expected = build(tmp_path, **arguments).drop(columns="picture")
    release = release_of(tmp_path, variant).read()
    assert [problem for problem in check_release(release, partial=True) if problem.level == "error"] == []
    table = label_table(release)
    expected = expected.sort_values(KEY, ignore_index=True)
    pd.testing.assert_frame_equal(table[list(expected)], expected, check_dtype=False)
    assert table[list(release.au_set.columns)].dtypes.eq(np.int8).all()


def test_the_threshold_decides_what_occurs(tmp_path: Path) -> None:
    build_disfa(tmp_path)
    for threshold in (1, 4):
        table = label_table(DisfaRelease(root=tmp_path, au_set=DISFA, threshold=threshold).read())
        intensity = table.filter(regex="^intensity_").to_numpy()
        np.testing.assert_array_equal(table[list(DISFA.columns)].to_numpy(), intensity >= threshold)


def test_empty_cells_are_unknown_labels(tmp_path: Path) -> None:
    expected = build_bp4d(tmp_path, subjects=("F001",), tasks=("T1",))
    file = tmp_path / "AUCoding/AU_OCC/F001_T1.csv"
    cells = pd.read_csv(file, dtype=str)
    cells.loc[2, "4"], cells.loc[5, "24"] = "", "  "
    cells.to_csv(file, index=False)
    file.write_text(file.read_text() + "," * (len(cells.columns) - 1) + "\n")  # as spreadsheets write empty lines
    expected.loc[2, "AU4"] = expected.loc[5, "AU24"] = -1
    release = Bp4dRelease(root=tmp_path, au_set=BP4D).read()
    assert [problem for problem in check_release(release, partial=True) if problem.level == "error"] == []
    table = label_table(release)
    pd.testing.assert_frame_equal(table, expected[list(table)], check_dtype=False)


def test_folders_of_the_other_camera_are_skipped(tmp_path: Path) -> None:
    for camera in ("Left", "Right"):
        build_disfa(tmp_path, subjects=("SN001",), videos=False, image_folder=f"{camera}Video{{subject}}_comp")
    for camera in ("left", "right"):
        release = DisfaRelease(root=tmp_path, au_set=DISFA, camera=camera).read()  # type: ignore[arg-type]
        assert [video.path.name for video in release.videos] == [f"{camera.title()}VideoSN001_comp"]
        assert release.problems == ()


def test_other_camera_is_skipped(tmp_path: Path) -> None:
    build_disfa(tmp_path, camera="Left", subjects=("SN001", "SN002"))
    build_disfa(tmp_path, camera="Right", subjects=("SN001", "SN002", "SN003"))
    for camera, folder in (("left", "Videos_LeftCamera"), ("right", "Videos_RightCamera")):
        release = DisfaRelease(root=tmp_path, au_set=DISFA, camera=camera).read()  # type: ignore[arg-type]
        assert {video.path.parent.name for video in release.videos} == {folder}
        assert release.problems == ()


def test_first_image_shifts_frame_numbers(tmp_path: Path) -> None:
    build_disfa(tmp_path, videos=False, subjects=("SN001",))
    for path in sorted((tmp_path / "SN001").glob("*.png"), reverse=True, key=lambda path: int(path.stem[6:])):
        path.rename(path.with_name(f"SN001_{int(path.stem[6:]) + 1}.png"))
    off = check_release(DisfaRelease(root=tmp_path, au_set=DISFA).read(), partial=True)
    assert any(problem.fix == "set data.release.first_image=1" for problem in off)
    (video,) = DisfaRelease(root=tmp_path, au_set=DISFA, first_image=1).read().videos
    assert video.images is not None
    assert video.images[0] == "SN001_1.png"
    assert video.numbers.tolist() == list(range(10))


def test_extracted_images_take_precedence_over_videos(tmp_path: Path) -> None:
    build_bp4d(tmp_path, videos=True, subjects=("F001",), tasks=("T1",))
    build_bp4d(tmp_path, subjects=("F001",), tasks=("T1",))
    release = Bp4dRelease(root=tmp_path, au_set=BP4D).read()
    assert release.problems == ()
    (video,) = release.videos
    assert video.images is not None


def test_duplicate_video_folders_are_a_problem_unless_one_is_selected(tmp_path: Path) -> None:
    build_bp4d(tmp_path, media_folder="2D", subjects=("F001",), tasks=("T1",))
    build_bp4d(tmp_path, media_folder="texture", subjects=("F001",), tasks=("T1",))
    (problem,) = Bp4dRelease(root=tmp_path, au_set=BP4D).read().problems
    assert problem.what == "exists twice: 2D/F001/T1 and texture/F001/T1"
    assert Bp4dRelease(root=tmp_path, au_set=BP4D, images="texture").read().problems == ()


def test_missing_folders_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data\.root: folder '.*/no' does not exist"):
        Bp4dRelease(root=tmp_path / "no", au_set=BP4D).read()
    with pytest.raises(InputError, match=r"folder '.*/here' does not exist. Correct data\.release\.images"):
        DisfaRelease(root=tmp_path, au_set=DISFA, images="here").read()


@pytest.mark.slow
def test_real_bp4d_labels_written_as_csv_come_back(shared: Path, tmp_path: Path) -> None:
    """All 146,847 frames, the columns shuffled, and with units between them that nobody asks for."""
    table = read_released_lists(
        shared / "lists/BP4D", au_set=BP4D, fold=1, size=256, fps=25, list_folder=".", image_folder=None
    ).table
    rng = np.random.default_rng(0)
    for (subject, task), rows in table.groupby(["subject", "task"]):
        cells = rows[list(BP4D.columns)].replace(-1, 9).rename(columns=lambda column: column[2:])
        cells = cells.assign(**{"5": 9, "16": 0})[rng.permutation([*cells.columns, "5", "16"])]
        cells.set_index(rows["frame"]).to_csv(tmp_path / f"{subject}_{task}.csv", index_label="0")
    labels = Bp4dRelease(root=tmp_path, au_set=BP4D).read().labels.sort_values(KEY, ignore_index=True)
    assert len(labels) == 146_847
    assert (labels[KEY].to_numpy() == table[KEY].to_numpy()).all()
    read = labels[list(BP4D.columns)].astype(np.int8)
    np.testing.assert_array_equal(read, table[list(BP4D.columns)])
    positives = [31042, 25110, 29755, 67676, 80616, 87270, 82530, 68375, 24869, 50406, 24288, 22229]
    assert (read == 1).sum().tolist() == positives


@pytest.mark.slow
def test_real_disfa_labels_written_as_text_come_back(shared: Path, tmp_path: Path) -> None:
    """All 130,814 frames; the lists know occurrence alone, so any intensity on its side of the threshold will do."""
    table = read_released_lists(
        shared / "lists/DISFA", au_set=DISFA, fold=1, size=256, fps=20, list_folder=".", image_folder=None
    ).table
    rng = np.random.default_rng(0)
    for subject, rows in table.groupby("subject"):
        folder = tmp_path / "ActionUnit_Labels" / str(subject)
        folder.mkdir(parents=True)
        for au in DISFA.aus:
            intensity = np.where(rows[f"AU{au}"] == 1, rng.integers(2, 6, len(rows)), rng.integers(0, 2, len(rows)))
            lines = zip(rows["frame"] + 1, intensity, strict=True)
            (folder / f"{subject}_au{au}.txt").write_text("".join(f"{frame},{value}\n" for frame, value in lines))
    labels = DisfaRelease(root=tmp_path, au_set=DISFA).read().labels.sort_values(KEY, ignore_index=True)
    assert len(labels) == 130_814
    assert (labels[KEY].to_numpy() == table[KEY].to_numpy()).all()
    read = labels[list(DISFA.columns)].astype(np.int8)
    np.testing.assert_array_equal(read, table[list(DISFA.columns)])
    assert (read == 1).sum().tolist() == [6506, 5644, 19933, 10327, 5473, 16851, 36247, 11533]
