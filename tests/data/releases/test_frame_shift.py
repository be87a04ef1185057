"""Labels that are shifted against the frames are reported with the setting that fixes it, and never prepared."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mdhr.action_units import BP4D, DISFA
from mdhr.data.problems import Problem
from mdhr.data.releases.bp4d import Bp4dRelease
from mdhr.data.releases.contents import Release
from mdhr.data.releases.disfa import DisfaRelease
from mdhr.data.releases.frame_shift import shifted_videos
from mdhr.data.releases.preparation import Preparation
from mdhr.data.releases.release_checks import check_release
from mdhr.errors import InputError
from tests.support.raw_trees import build_bp4d, build_disfa

Build = Callable[[Path], object]


def disfa(root: Path, **options: int) -> Release:
    return DisfaRelease(root=root, au_set=DISFA, **options)


def bp4d(root: Path, **options: int) -> Release:
    return Bp4dRelease(root=root, au_set=BP4D, **options)


def preparation(root: Path, release: Release) -> Preparation:
    crop = {"size": 32, "fill": 0.74, "smoothing": 0.2, "quality": 95}
    return Preparation(root=root, name="x", release=release, detector=None, incomplete=True, num_workers=1, **crop)


def remove_image(root: Path, *names: str) -> None:
    for name in names:
        (root / name).unlink()


def number_lines_from_0(root: Path) -> None:
    for file in root.rglob("*_au*.txt"):
        numbers = [line.split(",") for line in file.read_text().split()]
        file.write_text("".join(f"{int(number) - 1},{value}\n" for number, value in numbers))


def built_disfa(root: Path, **options: object) -> None:
    build_disfa(root, subjects=("SN001", "SN002"), videos=False, **options)


SHIFTED: dict[str, tuple[Build, Callable[..., Release], dict[str, int], str, dict[str, int]]] = {
    "images from 1": (
        lambda root: built_disfa(root, first_image=1), disfa, {},
        "frames are numbered 1 to 10, labels 0 to 9", {"first_image": 1},
    ),
    "images from 1, one lost at an end": (
        lambda root: (built_disfa(root, first_image=1), remove_image(root, "SN001/SN001_10.png")), disfa, {},
        "frames are numbered 1 to 9, labels 0 to 9", {"first_image": 1},
    ),
    "images from 1, one too many": (
        lambda root: (
            build_disfa(root, subjects=("SN001",), videos=False, first_image=1, num_frames=11),
            [file.write_text(file.read_text().rpartition("11,")[0]) for file in root.rglob("*_au*.txt")],
        ), disfa, {}, "frames are numbered 1 to 11, labels 0 to 9", {"first_image": 1},
    ),
    "images from 0, announced from 1": (
        built_disfa, disfa, {"first_image": 1}, "frames are numbered -1 to 8, labels 0 to 9", {"first_image": 0},
    ),
    "images from 7, announced from 3": (
        lambda root: built_disfa(root, first_image=7), disfa, {"first_image": 3},
        "frames are numbered 4 to 13, labels 0 to 9", {"first_image": 7},
    ),
    "video files with labels from 1": (
        lambda root: build_bp4d(root, videos=True, subjects=("F001",), first_frame=1), bp4d, {},
        "frames are numbered 0 to 7, labels 1 to 8", {"first_frame": 1},
    ),
    "video files with labels from 0, announced from 1": (
        lambda root: build_bp4d(root, videos=True, subjects=("F001",), first_frame=0), bp4d, {"first_frame": 1},
        "frames are numbered 1 to 8, labels 0 to 7", {"first_frame": 0},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SHIFTED)
def test_shifted_labels_are_never_prepared_and_the_named_setting_fixes_them(kind: str, tmp_path: Path) -> None:
    build, read, options, what, fixed = SHIFTED[kind]
    build(tmp_path / "raw")
    release = read(tmp_path / "raw", **options)
    ((setting, value),) = fixed.items()
    problems = [problem for problem in check_release(release.read(), partial=True) if problem.level == "error"]
    assert {problem.where.split("/")[0] for problem in problems} == {video.subject for video in release.read().videos}
    assert all(problem.fix == f"set data.release.{setting}={value}" for problem in problems)
    assert problems[0].what == f"the labels are shifted: {what}"
    expected = f"the labels are shifted: {what}. To fix this, set data.release.{setting}={value}"
    with pytest.raises(InputError, match=expected) as caught:
        preparation(tmp_path / "prepared", release).run()
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "prepared").exists()
    assert "which prevent the preparation" in preparation(tmp_path / "prepared", release).plan()
    assert shifted_videos(read(tmp_path / "raw", **fixed).read()) == []


def renumber_images(root: Path) -> None:
    for path in sorted((root / "F001/T1").iterdir(), reverse=True):
        path.rename(path.with_name(f"{int(path.stem) + 1:04d}.jpg"))


OTHER_FIXES: dict[str, tuple[Build, Callable[..., Release], str]] = {
    "label files from 0": (
        lambda root: (build_disfa(root, subjects=("SN001",)), number_lines_from_0(root)), disfa,
        "number the frames from 1 in the label files",
    ),
    "label files and images from 0": (
        lambda root: (built_disfa(root), number_lines_from_0(root)), disfa, "number the frames from 1 in the label files",
    ),
    "images of BP4D": (
        lambda root: (build_bp4d(root, subjects=("F001",), tasks=("T1",)), renumber_images(root)), bp4d,
        "correct the frame numbers of the labels or the images",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", OTHER_FIXES)
def test_shifts_without_a_setting_name_the_files_to_correct(kind: str, tmp_path: Path) -> None:
    build, read, fix = OTHER_FIXES[kind]
    build(tmp_path)
    problems: list[Problem] = shifted_videos(read(tmp_path).read())
    assert {problem.fix for problem in problems} == {fix}


NOT_SHIFTED: dict[str, tuple[Build, Callable[..., Release]]] = {
    "first image missing": (
        lambda root: (built_disfa(root), remove_image(root, "SN001/SN001_0.png")), disfa,
    ),
    "first image missing in the only video": (
        lambda root: (
            build_disfa(root, subjects=("SN001",), videos=False), remove_image(root, "SN001/SN001_0.png")
        ), disfa,
    ),
    "last images missing": (
        lambda root: (built_disfa(root), remove_image(root, "SN001/SN001_9.png", "SN002/SN002_10.png")), disfa,
    ),
    "images before and after the labels": (lambda root: build_bp4d(root, extra_before=3, extra_after=2), bp4d),
    "images before the labels": (lambda root: build_bp4d(root, extra_before=3), bp4d),
    "an interrupted copy": (
        lambda root: (
            build_bp4d(root, subjects=("F001",), tasks=("T1",), extra_before=1),
            remove_image(root, *(f"F001/T1/0{frame}.jpg" for frame in range(647, 651))),
        ), bp4d,
    ),
    "video without labels": (
        lambda root: (
            built_disfa(root, first_image=1), [file.unlink() for file in root.rglob("*_au*.txt")]
        ), disfa,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", NOT_SHIFTED)
def test_missing_or_additional_frames_are_not_a_shift(kind: str, tmp_path: Path) -> None:
    build, read = NOT_SHIFTED[kind]
    build(tmp_path)
    assert shifted_videos(read(tmp_path).read()) == []
