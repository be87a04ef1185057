"""Preparation of releases: right frames, complete videos, and the same bytes after interruptions."""

import hashlib
import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from mdhr.action_units import BP4D, DISFA
from mdhr.data.faces.detection import Face, FaceDetector
from mdhr.data.prepared.manifest import KEY, read_manifest
from mdhr.data.releases.bp4d import Bp4dRelease
from mdhr.data.releases.disfa import DisfaRelease
from mdhr.data.releases.preparation import Preparation
from mdhr.errors import InputError
from tests.data.releases.test_releases import release_of
from tests.support.raw_trees import HEIGHT, NUM_PICTURES, VARIANTS, WIDTH, build_bp4d, build_disfa, pictures


class InTheMiddle:
    """Finds a face of 100 pixels in the middle of every frame, in no time."""

    longest_side = 4096

    def __call__(self, frame: np.ndarray) -> list[Face]:
        height, width = frame.shape[:2]
        return [Face(np.array([width / 2 - 40, height / 2 - 50, 80.0, 100.0]), None)]

    def __str__(self) -> str:
        return "the middle"


class Never(InTheMiddle):
    """Finds nothing."""

    def __call__(self, frame: np.ndarray) -> list[Face]:
        return []


class OnceBlind(InTheMiddle):
    """Misses the face where it is furthest to the right, in the last of the pictures."""

    def __call__(self, frame: np.ndarray) -> list[Face]:
        if frame.shape != pictures()[0].shape:  # turned, to search for lying faces
            return []
        distance = [np.abs(picture.astype(int) - frame).mean() for picture in pictures()]
        return [] if int(np.argmin(distance)) == NUM_PICTURES - 1 else super().__call__(frame)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Preparation]:
    """A preparation of small faces from ``tmp_path/raw`` to ``tmp_path/prepared``, in this process."""

    def preparation(**changes: object) -> Preparation:
        settings = {
            "root": tmp_path / "prepared",
            "name": "bp4d",
            "release": Bp4dRelease(root=tmp_path / "raw", au_set=BP4D),
            "detector": InTheMiddle(),
            "size": 48,
            "fill": 0.74,
            "smoothing": 0.2,
            "quality": 95,
            "num_workers": 1,
        }
        return Preparation(**{**settings, **changes})  # type: ignore[arg-type]

    return preparation


def contents(root: Path) -> dict[str, str]:
    """Every file below a folder and the hash of what it holds."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_label_belongs_to_the_image_of_its_frame(
    tmp_path: Path, variant: str, make: Callable[..., Preparation]
) -> None:
    build, arguments = VARIANTS[variant]
    expected = build(tmp_path / "raw", **arguments).sort_values(KEY, ignore_index=True)
    make(release=release_of(tmp_path / "raw", variant), size=64).run()
    manifest = read_manifest(tmp_path / "prepared", au_set=BP4D if variant.startswith("bp4d") else DISFA)
    table = manifest.table.sort_values(KEY, ignore_index=True)
    labels = [column for column in expected if column != "picture"]
    pd.testing.assert_frame_equal(table[labels], expected[labels], check_dtype=False)
    assert manifest.fps == (25 if variant.startswith("bp4d") else 20)
    assert manifest.settings["release"] == variant[:5].strip(", ").upper()
    # The crop is the same square everywhere, so what was cut out tells which picture it was.
    x, y, side = table.loc[0, ["crop_x", "crop_y", "crop_size"]]
    top, left, side = round(y + 0.5 - side / 2), round(x + 0.5 - side / 2), round(side)
    cuts = [cv2.resize(image[top : top + side, left : left + side], (64, 64)).astype(int) for image in pictures()]
    for path, picture in zip(table["path"], expected["picture"], strict=True):
        face = cv2.imread(str(tmp_path / "prepared" / path))[..., ::-1]
        assert int(np.argmin([np.abs(face - cut).mean() for cut in cuts])) == picture


def test_faces_are_really_found_and_framed(tmp_path: Path, make: Callable[..., Preparation]) -> None:
    build_bp4d(tmp_path / "raw", subjects=("F001",), tasks=("T1",))
    make(detector=FaceDetector(), smoothing=0).run()
    table = read_manifest(tmp_path / "prepared").table
    assert table["face_found"].all()
    left = 60 + 6 * ((table["frame"]) % NUM_PICTURES)  # where the rendered square was put
    np.testing.assert_allclose(table["crop_x"], left + 80, atol=6)
    np.testing.assert_allclose(table["crop_y"], 40 + 80, atol=8)
    np.testing.assert_allclose(table["crop_size"], 160, atol=20)


def test_a_real_talking_face_is_prepared_from_its_video(
    talking: Path, tmp_path: Path, make: Callable[..., Preparation]
) -> None:
    """The sample clip in the place of a DISFA video; nobody has coded it, so its labels say 0."""
    (tmp_path / "raw").mkdir()
    shutil.copy(talking, tmp_path / "raw/LeftVideoSN001_comp.mp4")
    for au in DISFA.aus:
        lines = "".join(f"{frame},0\n" for frame in range(1, 121))
        (tmp_path / f"raw/SN001_au{au}.txt").write_text(lines)
    make(release=DisfaRelease(root=tmp_path / "raw", au_set=DISFA), detector=FaceDetector(), size=128).run()
    manifest = read_manifest(tmp_path / "prepared")
    assert len(manifest.table) == 120
    assert manifest.table["face_found"].all()
    # Found again in what was cut out, upright and where the rule puts it: eyes above the middle, mouth below.
    for path in manifest.table["path"][::20]:
        (face, *_) = FaceDetector()(cv2.imread(str(tmp_path / "prepared" / path))[..., ::-1])
        assert face.landmarks is not None
        np.testing.assert_allclose(face.landmarks[:2, 1] / 128, 0.27, atol=0.09)
        np.testing.assert_allclose(face.landmarks[3:, 1] / 128, 0.65, atol=0.09)


def test_a_frame_without_a_face_keeps_its_place_and_is_marked(tmp_path: Path, make: Callable[..., Preparation]) -> None:
    expected = build_bp4d(tmp_path / "raw", subjects=("F001",), tasks=("T1",))
    make(detector=OnceBlind()).run()
    table = read_manifest(tmp_path / "prepared").table
    assert table["frame"].tolist() == expected["frame"].tolist()
    assert table["face_found"].tolist() == (expected["picture"] != NUM_PICTURES - 1).tolist()
    assert not table["face_found"].all()
    assert table["crop_x"].notna().all()


def test_crops_are_taken_as_they_are_without_a_detector(tmp_path: Path, make: Callable[..., Preparation]) -> None:
    build_bp4d(tmp_path / "raw", suffix=".png", subjects=("F001",), tasks=("T1",))
    make(detector=None, size=HEIGHT, quality=100).run()
    table = read_manifest(tmp_path / "prepared").table
    assert (table["crop_size"] == HEIGHT).all()
    margin = (WIDTH - HEIGHT) // 2
    for path, frame in zip(table["path"], table["frame"], strict=True):
        face = cv2.imread(str(tmp_path / "prepared" / path))[..., ::-1]
        picture = pictures()[frame % NUM_PICTURES][:, margin:-margin]
        assert np.abs(face.astype(int) - picture).mean() < 1.5


def test_checksums_are_those_of_the_files(tmp_path: Path, make: Callable[..., Preparation]) -> None:
    build_disfa(tmp_path / "raw", subjects=("SN001",))
    make(release=DisfaRelease(root=tmp_path / "raw", au_set=DISFA)).run()
    table = read_manifest(tmp_path / "prepared").table
    for path, checksum in zip(table["path"], table["checksum"], strict=True):
        assert hashlib.sha256((tmp_path / "prepared" / path).read_bytes()).hexdigest().startswith(checksum)
        assert len(checksum) == 16


def test_prepared_data_set_is_kept_without_its_release(tmp_path: Path, make: Callable[..., Preparation]) -> None:
    build_bp4d(tmp_path / "raw")
    make().run()
    before = contents(tmp_path / "prepared")
    shutil.rmtree(tmp_path / "raw")
    make().run()
    assert contents(tmp_path / "prepared") == before
    assert "nothing to do" in make().plan()
    with pytest.raises(
        InputError, match=r"was prepared with smoothing = 0\.2, not 0\.5\. Choose another data\.prepared"
    ):
        make(smoothing=0.5).run()


@pytest.mark.slow
def test_killed_preparation_resumes_to_the_same_bytes(tmp_path: Path, make: Callable[..., Preparation]) -> None:
    build_bp4d(tmp_path / "raw", num_frames=20)
    whole = make(root=tmp_path / "whole")
    started = time.perf_counter()
    whole.run()
    seconds = time.perf_counter() - started
    draw = random.Random(0)
    kills = 0
    for _ in range(10):
        again = multiprocessing.get_context("fork").Process(target=make().run)
        again.start()
        time.sleep(draw.uniform(0.02, 0.25) * seconds)
        assert again.pid is not None
        os.kill(again.pid, signal.SIGKILL)
        again.join()
        kills += again.exitcode == -signal.SIGKILL
    assert kills >= 5, "it was finished too early to be killed"
    make().run()
    assert contents(tmp_path / "prepared") == contents(tmp_path / "whole")


def test_incomplete_video_is_prepared_again(tmp_path: Path, make: Callable[..., Preparation]) -> None:
    build_bp4d(tmp_path / "raw", subjects=("F001",))
    make().run()
    before = contents(tmp_path / "prepared")
    (tmp_path / "prepared/prepared.yaml").unlink()
    (tmp_path / "prepared/frames/F001/T1/00645.jpg").unlink()
    make().run()
    assert contents(tmp_path / "prepared") == before


def test_release_with_errors_is_prepared_only_if_incomplete_is_set(
    tmp_path: Path, make: Callable[..., Preparation]
) -> None:
    build_bp4d(tmp_path / "raw")
    shutil.rmtree(tmp_path / "raw/F001/T2")
    (tmp_path / "raw/AUCoding/AU_OCC/F003_T1.csv").write_text("nothing")
    with pytest.raises(
        InputError, match=r"raw has \d+ errors, the first: .*`mdhr check data=bp4d data\.root=.*incomplete"
    ):
        make().run()
    assert not (tmp_path / "prepared").exists()
    plan = make().plan()
    assert "F003_T1.csv" in plan
    assert "F001/T2" in plan
    assert "10 videos" in plan
    make(incomplete=True).run()
    table = read_manifest(tmp_path / "prepared").table
    assert table.groupby("subject")["task"].nunique().to_dict() == {
        "F001": 1, "F003": 1, "F007": 2, "F015": 2, "M007": 2, "M011": 2,
    }  # fmt: skip


def test_failed_videos_are_reported_and_others_kept(tmp_path: Path, make: Callable[..., Preparation]) -> None:
    build_bp4d(tmp_path / "raw", subjects=("F001", "F003"))
    image = tmp_path / "raw/F001/T2/0645.jpg"
    image.write_bytes(image.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"1 of 4 videos could not be prepared, .*F001/T2: .*0645\.jpg is truncated"):
        make().run()
    assert not (tmp_path / "prepared/prepared.yaml").exists()
    assert sorted(path.name for path in (tmp_path / "prepared/frames/F001").iterdir()) == ["T1"]
    make(incomplete=True).run()
    manifest = read_manifest(tmp_path / "prepared")
    assert len(manifest.videos()) == 3
    assert "F001/T2" in manifest.settings["excluded"][0]


def test_video_without_face_is_an_error(tmp_path: Path, make: Callable[..., Preparation]) -> None:
    build_bp4d(tmp_path / "raw", subjects=("F001",), tasks=("T1",))
    with pytest.raises(InputError, match=r"F001/T1: no face found in any of the 8 frames"):
        make(detector=Never()).run()
    with pytest.raises(InputError, match="no video could be prepared"):
        make(detector=Never(), incomplete=True).run()


@pytest.mark.parametrize(
    ("setting", "value"), [("size", 8), ("fill", 0), ("smoothing", -1), ("quality", 0), ("quality", 101)]
)
def test_settings_out_of_range_are_errors(make: Callable[..., Preparation], setting: str, value: float) -> None:
    with pytest.raises(
        InputError, match=rf"data\.prepare\.{setting}={value}: should be (greater|less) than or equal to"
    ):
        make(**{setting: value})


@pytest.mark.slow
def test_workers_give_the_same_bytes(tmp_path: Path, make: Callable[..., Preparation]) -> None:
    build_bp4d(tmp_path / "raw", subjects=("F001", "F003"))
    one = make(root=tmp_path / "one", detector=FaceDetector())
    one.run()
    replace(one, root=tmp_path / "two", num_workers=2).run()
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
