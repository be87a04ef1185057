"""Resolution of paths to videos, and their output names."""

from pathlib import Path

import pytest

from mdhr.data.video.input_list import choose_output_names, list_videos
from mdhr.errors import InputError


def test_videos_are_listed_once_without_outputs(tmp_path: Path) -> None:
    for name in ("b/x.MP4", "b/.hidden.mp4", "a.mkv", "a_annotated.mp4", "notes.txt", "b/poster.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    inside = [tmp_path / "a.mkv", tmp_path / "b/x.MP4"]
    assert list_videos([tmp_path, tmp_path / "a.mkv"], output_folder=tmp_path) == inside
    assert list_videos([tmp_path / "notes.txt"], output_folder=tmp_path) == [tmp_path / "notes.txt"]
    (tmp_path / "b/x.MP4").unlink()
    assert list_videos([tmp_path / "b"], output_folder=tmp_path) == [tmp_path / "b"], "a folder of images"


def test_output_names_are_unique_and_short(tmp_path: Path) -> None:
    videos = [tmp_path / name for name in ("alone.mp4", "a/clip.mp4", "b/clip.mp4", "b/clip.avi", "b/c/d.mp4")]
    assert list(choose_output_names(videos, {})) == ["alone", "a_clip", "clip_mp4", "clip_avi", "d"]
    assigned = {"clip": str(tmp_path.resolve() / "a/clip.mp4")}
    assert choose_output_names(videos[1:3], assigned) == {"clip": videos[1], "b_clip": videos[2]}


def test_paths_without_videos_raise(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        list_videos([tmp_path / "none"], output_folder=tmp_path)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match=r"contains no video .* and no image"):
        list_videos([tmp_path], output_folder=tmp_path)
