"""Lists of videos, written with any editor."""

import codecs
from pathlib import Path

import pytest

from mdhr.data.video.video_list import read_video_list
from mdhr.errors import InputError

TEXT = "# my videos\nfirst clip.mp4\n\n \"quoted, é.mp4\" \n'it''s.mp4'\n#old.mp4\n\"#1.mp4\"\n  last.mp4\t"
PATHS = [(2, "first clip.mp4"), (4, "quoted, é.mp4"), (5, "it''s.mp4"), (7, "#1.mp4"), (8, "last.mp4")]


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF8 * 2 + TEXT.encode(),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        codecs.BOM_UTF16_LE + TEXT.replace("\n", "\r\n").encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    ],
    ids=["utf-8", "byte order mark", "two byte order marks", "crlf", "cr", "utf-16-le", "utf-16-be"],
)
def test_paths_are_the_same_in_every_encoding(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    assert read_video_list(tmp_path / "list.txt") == PATHS


def test_the_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    (tmp_path / "list.txt").write_text("~/a.mp4\n'~/b c.mp4'\n./~d.mp4")
    assert [video.path for video in read_video_list(tmp_path / "list.txt")] == [
        "/home/me/a.mp4",
        "/home/me/b c.mp4",
        "./~d.mp4",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"# nothing\n\n", "is empty"),
        (b"a.mp4\n\xe9.mp4", "line 2 is not UTF-8; save the file as UTF-8"),
        ("a.mp4".encode("utf-16-le"), "not a text file in UTF-8"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(InputError, match=rf"--list .*list\.txt .*{reason}.* Expected a text file"):
        read_video_list(tmp_path / "list.txt")
    with pytest.raises(InputError, match="cannot be read: it is not a regular file"):
        read_video_list(tmp_path)
