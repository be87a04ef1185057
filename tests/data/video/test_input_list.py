"""Which videos are meant, and what they are called."""

from pathlib import Path

import pytest

from mdhr.data.video.input_list import list_videos, name_videos
from mdhr.errors import InputError


def test_videos_are_found_once_and_what_was_made_of_them_is_none(tmp_path: Path) -> None:
    for name in ("b/x.MP4", "b/.hidden.mp4", "a.mkv", "a_annotated.mp4", "notes.txt", "b/poster.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    inside = [tmp_path / "a.mkv", tmp_path / "b/x.MP4"]
    assert list_videos([tmp_path, tmp_path / "a.mkv"], leave_out=tmp_path) == inside
    assert list_videos([tmp_path / "notes.txt"], leave_out=tmp_path) == [tmp_path / "notes.txt"]
    (tmp_path / "b/x.MP4").unlink()
    assert list_videos([tmp_path / "b"], leave_out=tmp_path) == [tmp_path / "b"], "a folder of images"


def test_names_are_as_long_as_they_must_be(tmp_path: Path) -> None:
    videos = [tmp_path / name for name in ("alone.mp4", "a/clip.mp4", "b/clip.mp4", "b/clip.avi", "b/c/d.mp4")]
    assert list(name_videos(videos, {})) == ["alone", "a_clip", "clip_mp4", "clip_avi", "d"]
    taken = {"clip": str(tmp_path.resolve() / "a/clip.mp4")}
    assert name_videos(videos[1:3], taken) == {"clip": videos[1], "b_clip": videos[2]}


def test_nothing_to_score_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no video"):
        list_videos([tmp_path / "none"], leave_out=tmp_path)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match=r"holds no video .* and no image"):
        list_videos([tmp_path], leave_out=tmp_path)
