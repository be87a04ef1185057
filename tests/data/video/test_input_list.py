"""Resolution of paths to videos, and their output names."""

import os
from pathlib import Path

import pytest

from mdhr.data.video.input_list import VideoInputs, choose_output_names
from mdhr.errors import InputError


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).touch()


def found(*paths: Path, output_folder: Path = Path("none")) -> VideoInputs:
    inputs = VideoInputs(output_folder)
    for path in paths:
        inputs.add(path)
    return inputs


def test_videos_are_listed_once_without_outputs(tmp_path: Path) -> None:
    touch(tmp_path, "b/x.MP4", "b/.hidden.mp4", ".trash/y.mp4", "a.mkv", "a_annotated.mp4", "a.png", "notes.txt")
    inside = [tmp_path / "a.mkv", tmp_path / "b/x.MP4"]
    inputs = found(tmp_path, tmp_path / "a.mkv", output_folder=tmp_path)
    assert (inputs.videos, inputs.notes) == (inside, [])
    assert found(tmp_path / "notes.txt").videos == [tmp_path / "notes.txt"]
    touch(tmp_path, "predict.yaml")
    assert found(tmp_path).videos == inside, "outputs of an earlier command"


def test_every_folder_of_images_is_a_video(tmp_path: Path) -> None:
    touch(tmp_path, *(f"F00{subject}/T{task}/{i}.jpg" for subject in (1, 2) for task in (1, 2) for i in (8, 9)))
    touch(tmp_path, "F001/T2/talk.gif/1.png")
    inputs = found(tmp_path)
    folders = ["F001/T1", "F001/T2", "F001/T2/talk.gif", "F002/T1", "F002/T2"]
    assert inputs.videos == [tmp_path / name for name in folders]
    assert inputs.notes == []
    assert list(choose_output_names(inputs.videos, {})) == ["F001_T1", "F001_T2", "talk.gif", "F002_T1", "F002_T2"]
    assert found(tmp_path / "F001/T1").videos == [tmp_path / "F001/T1"]


def test_videos_and_images_are_found_and_what_is_skipped_is_listed(tmp_path: Path) -> None:
    touch(
        tmp_path, "cover.jpg", "a/x.mp4", "a/poster1.jpg", "b/1.png", "b/2.png", "c/talk.gif", "c/old.heic", "c/a.csv"
    )
    inputs = found(tmp_path)
    assert inputs.videos == [tmp_path / name for name in ("a/x.mp4", "b", "c/talk.gif")]
    assert inputs.notes == [f"{tmp_path}: skipped 3 files outside of videos: a/poster1.jpg, c/old.heic, cover.jpg"]
    touch(tmp_path, "1.jpg", *(f"a/{i}.jpg" for i in range(5)))
    inputs = found(tmp_path)
    assert inputs.videos[0] == tmp_path, "numbered images above other videos are a video"
    assert "skipped 7 files outside of videos: a/0.jpg, a/1.jpg, a/2.jpg, ..." in inputs.notes[0]


def test_links_are_followed_once(tmp_path: Path) -> None:
    touch(tmp_path, "disk/x.mp4", "data/readme.txt")
    (tmp_path / "data/linked").symlink_to(tmp_path / "disk")
    (tmp_path / "disk/circle").symlink_to(tmp_path / "data")
    assert found(tmp_path / "data").videos == [tmp_path / "data/linked/x.mp4"]


def test_an_image_folder_with_its_own_outputs_remains_a_video(tmp_path: Path) -> None:
    touch(tmp_path, "1.png", "2.png", "predict.yaml", "frames.png")
    assert found(tmp_path, output_folder=tmp_path).videos == [tmp_path]


def test_numbers_are_cameras_unless_a_file_has_this_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "1")
    inputs = found(Path("0"), Path("1"), Path("0"))
    assert (inputs.cameras, inputs.videos) == ([0], [Path("1")])


def test_the_lines_of_a_list_are_independent(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "b.mp4", "empty/notes.txt")
    list_file = tmp_path / "videos.txt"
    list_file.write_text(f"# two videos\n{tmp_path}/a.mp4\nnone.mp4\n'{tmp_path}/b.mp4'\n\n{tmp_path}/empty\n")
    inputs = VideoInputs(tmp_path / "out")
    inputs.add_list(list_file)
    assert inputs.videos == [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    missing, empty = inputs.errors
    assert missing.startswith(f"{list_file}: line 3: video none.mp4 does not exist")
    assert empty.startswith(f"{list_file}: line 6: folder {tmp_path}/empty contains no video")


def test_output_names_are_unique_and_short(tmp_path: Path) -> None:
    videos = [tmp_path / name for name in ("alone.mp4", "a/clip.mp4", "b/clip.mp4", "b/clip.avi", "b/c/d.mp4")]
    assert list(choose_output_names(videos, {})) == ["alone", "a_clip", "clip_mp4", "clip_avi", "d"]
    assigned = {"clip": str(tmp_path.resolve() / "a/clip.mp4")}
    assert choose_output_names(videos[1:3], assigned) == {"clip": videos[1], "b_clip": videos[2]}


def test_output_names_do_not_depend_on_the_videos_that_are_complete(tmp_path: Path) -> None:
    touch(tmp_path, "a/T1.mp4", "b/T1.mp4", "c/T1.mp4")
    videos = [tmp_path / name / "T1.mp4" for name in "abc"]
    names = choose_output_names(videos, {})
    assert list(names) == ["a_T1", "b_T1", "c_T1"]
    complete = {name: str(video.resolve()) for name, video in list(names.items())[:2]}
    assert choose_output_names(videos, complete) == names


def test_paths_without_videos_raise(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        found(tmp_path / "none")
    touch(tmp_path, "notes.txt")
    with pytest.raises(InputError, match=r"contains no video .* and no image"):
        found(tmp_path)
    touch(tmp_path, "photos/a.heic")
    with pytest.raises(InputError, match=r"The format of .*photos/a\.heic is not supported"):
        found(tmp_path / "photos")
    (tmp_path / "photos/a.heic").unlink()
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(InputError, match=r"pipe\.mp4 is not a regular file"):
        found(tmp_path / "pipe.mp4")
    touch(tmp_path, "a.mp4")
    assert found(tmp_path).notes == [f"{tmp_path}: skipped 1 file outside of videos: pipe.mp4"]
