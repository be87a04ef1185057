"""The generator: equal settings give equal bytes, interrupted runs resume, and errors are one line.

Most tests replace the renderer by a fast substitute; one test uses the real renderer.
"""

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mdhr.action_units import BP4D, DISFA
from mdhr.data.prepared.manifest import DESCRIPTION, read_manifest
from mdhr.errors import InputError
from mdhr.synthetic import video_rendering
from mdhr.synthetic.generator import GENERAL_VERSION, SyntheticFaces
from mdhr.synthetic.intensity_curves import OCCURRENCE_LEVEL
from mdhr.synthetic.video_plan import FIRST_PRETRAINING_IDENTITY
from tests.support.paths import ROOT

SMALL = {
    "name": "synthetic_tiny",
    "au_set": BP4D,
    "size": 32,
    "zoom": 1.0,
    "num_subjects": 4,
    "num_tasks": 2,
    "num_frames": 5,
    "stride": 3,
    "seed": 7,
    "quality": 92,
    "num_workers": 1,
}


class Painter:
    """Substitute for the renderer: a frame that depends on identity, animation and frame number."""

    def frame(self, identity, animation, f):
        shade = 40 * (identity % 4) + 60 * animation.intensity[f].mean() + 8 * f
        return np.full((32, 32, 3), min(shade, 255), np.uint8)


@pytest.fixture
def painted(monkeypatch):
    monkeypatch.setattr(video_rendering, "cached_renderer", lambda head, size, zoom: Painter())
    monkeypatch.setattr(video_rendering, "cached_identity", lambda head, seed: seed)


def faces(root: Path, **changed) -> SyntheticFaces:
    return SyntheticFaces(root=root, **{**SMALL, **changed})


def digests(root: Path) -> dict[str, str]:
    """sha256 of every file below a folder."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.usefixtures("painted")
def test_prepared_form(tmp_path):
    faces(tmp_path).run()
    manifest = read_manifest(tmp_path, au_set=BP4D)
    assert (manifest.name, manifest.size, manifest.fps) == ("synthetic_tiny", 32, pytest.approx(25 / 3))
    videos = manifest.videos()
    assert [video.name for video in videos] == [f"S{s:02d}/T{t}" for s in (1, 2, 3, 4) for t in (1, 2)]
    for video in videos:
        assert video.frame.tolist() == [0, 1, 2, 3, 4]
        assert all(Image.open(path).size == (32, 32) for path in video.paths)
    tested = [subject for subjects in manifest.folds.values() for subject in subjects]
    assert sorted(tested) == ["S01", "S02", "S03", "S04"], "every subject is tested once"
    assert {len(subjects) for subjects in manifest.folds.values()} == {1, 2}
    table = manifest.table
    for au in BP4D.aus:
        np.testing.assert_array_equal(table[f"AU{au}"] == 1, table[f"intensity_AU{au}"] >= OCCURRENCE_LEVEL)
        assert table[f"intensity_AU{au}"].dtype == np.float32
    assert table["face_found"].all()
    assert (table["crop_size"] == 32).all()


@pytest.mark.usefixtures("painted")
def test_seed_decides_everything(tmp_path):
    for name, changed in {"one": {}, "same": {}, "other": {"seed": 8}, "disfa": {"au_set": DISFA}}.items():
        faces(tmp_path / name, **changed).run()
    one, same, other, disfa = (digests(tmp_path / name) for name in ("one", "same", "other", "disfa"))
    assert one == same
    assert one != other
    assert disfa.keys() == one.keys()
    assert read_manifest(tmp_path / "disfa").au_set is DISFA


@pytest.mark.slow
def test_real_renderer_same_bytes_in_one_process_and_in_two(tmp_path):
    small = {"num_subjects": 3, "num_tasks": 1, "num_frames": 2, "size": 48}
    faces(tmp_path / "one", **small).run()
    faces(tmp_path / "two", num_workers=2, **small).run()
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    pictures = [np.asarray(Image.open(path)) for path in sorted((tmp_path / "one").rglob("*.jpg"))]
    assert all(picture.std() > 10 for picture in pictures), "the frames are not uniform"


def test_bench_settings_do_not_name_style_and_heads(tmp_path):
    """Folders rendered before these settings existed stay valid."""
    expected = {"version": 3, **SMALL, "au_set": "BP4D"}
    del expected["num_workers"]
    assert faces(tmp_path).settings == expected
    assert faces(tmp_path, style="bench", heads=["anny"]).settings == expected
    other = faces(tmp_path, style="general", heads=["ict", "anny"], num_subjects=6).settings
    assert (other["style"], other["heads"], other["general_version"]) == ("general", ["ict", "anny"], GENERAL_VERSION)


def test_subjects_alternate_between_heads_and_folds_contain_both(tmp_path):
    mixed = faces(tmp_path, heads=["anny", "ict"], num_subjects=10, num_tasks=2)
    assert mixed.subjects[:4] == ["S01-anny", "S02-ict", "S03-anny", "S04-ict"]
    assert [video.head for video in mixed.videos[:4]] == ["anny", "anny", "ict", "ict"]
    assert all(video.subject.endswith("-ict") == (video.head == "ict") for video in mixed.videos)
    assert sorted(subject for subjects in mixed.folds.values() for subject in subjects) == mixed.subjects
    for subjects in mixed.folds.values():
        assert {subject.endswith("-ict") for subject in subjects} == {True, False}


@pytest.mark.usefixtures("painted")
def test_general_style_in_prepared_form(tmp_path, monkeypatch):
    monkeypatch.setattr("mdhr.synthetic.generator.cached_head", lambda name: name)
    general = {"style": "general", "heads": ["anny", "ict"], "num_subjects": 6, "num_tasks": 1}
    for name, changed in {"one": {}, "same": {}, "other": {"seed": 8}}.items():
        faces(tmp_path / name, **general | changed).run()
    one, same, other = (digests(tmp_path / name) for name in ("one", "same", "other"))
    assert one == same
    assert one != other
    manifest = read_manifest(tmp_path / "one", au_set=BP4D)
    assert [video.name for video in manifest.videos()][:2] == ["S01-anny/T1", "S02-ict/T1"]
    for au in BP4D.aus:
        np.testing.assert_array_equal(
            manifest.table[f"AU{au}"] == 1, manifest.table[f"intensity_AU{au}"] >= OCCURRENCE_LEVEL
        )
    with pytest.raises(InputError, match="style = general"):
        faces(tmp_path / "one", **general | {"style": "bench"}).run()


def test_identities_are_data_set_identities_and_distinct(tmp_path):
    seeds = {video.identity_seed for video in faces(tmp_path, num_subjects=200, num_tasks=1).videos}
    assert len(seeds) == 200
    assert max(seeds) < FIRST_PRETRAINING_IDENTITY


@pytest.mark.usefixtures("painted")
def test_stopped_and_resumed_equals_unbroken(tmp_path, monkeypatch):
    faces(tmp_path / "unbroken").run()
    write, written = video_rendering.write_frame, []

    def stop_at_13th(path, frame, *, quality):
        if len(written) == 12:
            raise KeyboardInterrupt
        written.append(path)
        write(path, frame, quality=quality)

    monkeypatch.setattr(video_rendering, "write_frame", stop_at_13th)
    with pytest.raises(KeyboardInterrupt):
        faces(tmp_path / "resumed").run()
    assert sorted(path.name for path in (tmp_path / "resumed/frames").glob("S*/T*")) == ["T1", "T2"], "two are complete"
    with pytest.raises(InputError, match="no prepared data set"):
        read_manifest(tmp_path / "resumed")

    monkeypatch.setattr(video_rendering, "write_frame", write)
    faces(tmp_path / "resumed").run()
    assert digests(tmp_path / "resumed") == digests(tmp_path / "unbroken")
    assert not list((tmp_path / "resumed").rglob(".mdhr*"))


@pytest.mark.usefixtures("painted")
def test_complete_videos_are_not_rendered_again(tmp_path, monkeypatch):
    faces(tmp_path).run()
    before = digests(tmp_path)
    shutil.rmtree(tmp_path / "frames/S02/T1")
    (tmp_path / "frames/S03/T2/00004.jpg").unlink()
    write, written = video_rendering.write_frame, []
    monkeypatch.setattr(
        video_rendering, "write_frame", lambda path, *a, **k: (written.append(path), write(path, *a, **k))
    )
    faces(tmp_path).run()
    assert len(written) == 10, "the missing and the incomplete video"
    faces(tmp_path).run()
    assert len(written) == 10, "no video is missing"
    assert digests(tmp_path) == before


@pytest.mark.usefixtures("painted")
def test_other_settings_are_refused_by_name(tmp_path):
    faces(tmp_path).run()
    before = digests(tmp_path)
    with pytest.raises(InputError, match=r"rendered with num_frames = 5, not 6\. Choose another data\.root or delete"):
        faces(tmp_path, num_frames=6).run()
    with pytest.raises(InputError, match="au_set = BP4D, not DISFA"):
        faces(tmp_path, au_set=DISFA).run()
    assert digests(tmp_path) == before
    faces(tmp_path, num_workers=None).run()  # num_workers is not part of the settings


@pytest.mark.usefixtures("painted")
def test_another_data_set_is_not_changed(tmp_path):
    (tmp_path / "frames").mkdir()
    with pytest.raises(InputError, match="contains another data set"):
        faces(tmp_path).run()
    assert digests(tmp_path) == {}


@pytest.mark.usefixtures("painted")
def test_full_disk(tmp_path, monkeypatch):
    write, written = video_rendering.write_frame, []

    def full(path, frame, *, quality):
        written.append(path)
        if len(written) > 7:
            path.write_bytes(b"half a fra")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, frame, quality=quality)

    monkeypatch.setattr(video_rendering, "write_frame", full)
    with pytest.raises(
        InputError, match=r"cannot write .*S01/T2: No space left on device\. .*complete videos are kept"
    ) as e:
        faces(tmp_path).run()
    assert "\n" not in str(e.value)
    assert [path.name for path in (tmp_path / "frames/S01").iterdir()] == ["T1"], "no incomplete video under any name"
    monkeypatch.setattr(video_rendering, "write_frame", write)
    faces(tmp_path).run()
    assert len(read_manifest(tmp_path).videos()) == 8


def test_root_that_cannot_be_a_folder(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InputError, match=r"cannot write to .*file/data: Not a directory\. Choose another data\.root"):
        faces(tmp_path / "file" / "data").run()


@pytest.mark.usefixtures("painted")
def test_no_permission(tmp_path, monkeypatch):
    def refused(self, *args, **kwargs):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(InputError, match=r"cannot write to .*: Permission denied"):
        faces(tmp_path / "new").run()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"num_subjects": 2}, "num_subjects=2: should be greater than or equal to 3"),
        ({"num_frames": "abc"}, "num_frames=abc: should be a valid integer"),
        ({"name": "bp4d"}, r"data\.name=bp4d: .* Set data\.name=synthetic_bp4d"),
        ({"size": 16}, "size=16: should be greater than or equal to 32"),
        ({"stride": 0}, "stride=0: should be greater than or equal to 1"),
        ({"quality": 101}, "quality=101: should be less than or equal to 100"),
        ({"style": "real"}, "style=real: should be 'bench' or 'general'"),
        ({"heads": ["anny", "other"]}, "heads=.*: should be 'anny' or 'ict'"),
        ({"heads": []}, "heads=.*: expected one or more different names"),
        ({"heads": ["anny", "anny"]}, "heads=.*: expected one or more different names"),
        ({"heads": ["anny", "ict"], "num_subjects": 5}, "num_subjects=5: expected at least 6, 3 per head model"),
    ],
)
def test_wrong_settings(tmp_path, changed, message):
    with pytest.raises(InputError, match=message):
        faces(tmp_path, **changed)


@pytest.mark.slow
def test_interrupted_command_resumes(tmp_path):
    """The command is interrupted, then completed in a folder that contains the remains of a killed process."""
    root, repository = tmp_path / "set", ROOT
    settings = ("num_subjects=3", "num_tasks=2", "num_frames=40", "size=32", "num_workers=1")
    command = [
        sys.executable,
        "-m",
        "mdhr",
        "prepare",
        f"data.root={root}",
        *(f"data.prepare.{s}" for s in settings),
    ]
    running = subprocess.Popen(command, cwd=repository, stderr=subprocess.PIPE, text=True)
    while not (root / "frames/S01/T2").exists():
        assert running.poll() is None, running.stderr.read()
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    error = running.communicate(timeout=60)[1]
    assert running.returncode == 128 + signal.SIGINT
    assert "Traceback" not in error
    assert not (root / DESCRIPTION).exists()

    half = root / "frames/S03/.mdhr-partial-T2/content"
    half.mkdir(parents=True)
    (half / "00000.jpg").write_bytes(b"half a fra")
    done = subprocess.run(command, cwd=repository, check=True, capture_output=True, text=True)
    assert f"synthetic is in {root}" in done.stdout
    assert not half.exists()
    assert len(read_manifest(root).table) == 240
