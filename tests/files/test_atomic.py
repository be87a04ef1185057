"""Atomic files and folders."""

import os
from pathlib import Path

import pytest

from mdhr.errors import InputError
from mdhr.files.atomic import temporary_path, write_bytes, write_text
from mdhr.files.folders import atomic_folder, claim_folder
from tests.files.test_folder_lock import other_owner


def full_disk(_: int) -> None:
    raise OSError(28, "No space left on device")


def interrupt_writing(path: Path) -> None:
    path.write_bytes(b"half")
    raise KeyboardInterrupt


def test_content_is_replaced(tmp_path: Path) -> None:
    write_bytes(tmp_path / "file", b"old")
    write_text(tmp_path / "file", "ä")
    assert (tmp_path / "file").read_bytes() == "ä".encode()
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_bytes(path, b"old")
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(InputError, match=r"cannot write .*file: No space left on device"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_exception_in_the_block_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_bytes(path, b"old")
    with pytest.raises(KeyboardInterrupt), temporary_path(path) as temporary:
        interrupt_writing(temporary)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_missing_folder_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write .*No such file or directory"):
        write_text(tmp_path / "absent" / "file", "")


def test_folder_is_complete_or_unchanged(tmp_path: Path) -> None:
    folder = tmp_path / "video"
    with pytest.raises(KeyboardInterrupt), atomic_folder(folder, setting="--out") as partial:
        interrupt_writing(partial / "0.jpg")
    assert list(tmp_path.iterdir()) == []
    for content in ("old", "new"):
        with atomic_folder(folder, setting="--out") as partial:
            assert list(partial.iterdir()) == []
            (partial / f"{content}.jpg").write_text(content)
        assert [path.name for path in folder.iterdir()] == [f"{content}.jpg"]
    with pytest.raises(KeyboardInterrupt), atomic_folder(folder, setting="--out") as partial:
        interrupt_writing(partial / "0.jpg")
    assert list(tmp_path.rglob("*")) == [folder, folder / "new.jpg"]


def test_a_folder_is_replaced_on_request_only(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "notes").touch()
    with (
        pytest.raises(InputError, match=r"cannot write .*model: Directory not empty"),
        atomic_folder(tmp_path / "model", setting="--out", replace=False) as partial,
    ):
        (partial / "config.yaml").touch()
    assert list(tmp_path.rglob("*")) == [tmp_path / "model", tmp_path / "model" / "notes"]


def test_a_folder_is_written_by_one_process_at_a_time(tmp_path: Path) -> None:
    with other_owner(tmp_path / ".mdhr-partial-model"):
        with (
            pytest.raises(InputError, match=r"model is in use by process \d+ on host .*choose another --out\.$"),
            atomic_folder(tmp_path / "model", setting="--out"),
        ):
            pass
        assert [path.name for path in tmp_path.iterdir()] == [".mdhr-partial-model"]


def test_the_folder_of_a_killed_process_is_deleted(tmp_path: Path) -> None:
    for half in (".mdhr-partial-video/content/half.jpg", ".mdhr-partial-video/replaced/0.jpg"):
        (tmp_path / half).parent.mkdir(parents=True)
        (tmp_path / half).touch()
    (tmp_path / ".my.partial").mkdir()
    with atomic_folder(tmp_path / "video", setting="--out") as partial:
        (partial / "0.jpg").touch()
    assert sorted(tmp_path.rglob("*")) == [tmp_path / ".my.partial", tmp_path / "video", tmp_path / "video" / "0.jpg"]


def test_claimed_folder_belongs_to_its_settings(tmp_path: Path) -> None:
    def claim(**settings: int) -> None:
        claim_folder(
            tmp_path / "data",
            settings,
            settings_file="settings.yaml",
            content=("frames",),
            created_by="rendered",
            setting="data.root",
        )

    claim(size=256)
    claim(size=256)
    with pytest.raises(InputError, match=r"data was rendered with size = 256, not 128\. Choose another data\.root"):
        claim(size=128)
    (tmp_path / "data" / "settings.yaml").unlink()
    (tmp_path / "data" / "frames").mkdir()
    with pytest.raises(InputError, match=r"data contains another data set\. Choose another data\.root or delete"):
        claim(size=256)
