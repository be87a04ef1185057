"""Tests of rendered videos with known codes."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from mdhr.data.faces.detection import FaceDetector
from mdhr.errors import InputError
from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.coded_acting import coded_labels
from mdhr.synthetic.coded_videos import CodedVideos
from mdhr.synthetic.face_units import AUS


def coded_videos(folder: Path, **settings: object) -> CodedVideos:
    values = {
        "formats": ("csv", "eaf"), "aus": (1, 12, 45, "L12"), "num_subjects": 2, "videos_per_subject": 1,
        "num_frames": 8, "size": 160, "fps": 25.0, "seed": 0, "num_workers": 1,
    } | settings  # fmt: skip
    return CodedVideos(out=folder / "videos", codes=folder / "codes", **values)  # type: ignore[arg-type]


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_videos_show_faces_that_the_detector_finds(tmp_path: Path) -> None:
    assert coded_videos(tmp_path).run() == 2
    for subject in ("S01-anny", "S02-ict"):
        frames = frames_of(tmp_path / "videos" / subject / f"{subject}_T1.mp4")
        assert len(frames) == 8
        assert len(FaceDetector()(frames[0])) == 1
        assert (tmp_path / "codes/eaf" / subject / f"{subject}_T1.eaf").is_file()


def test_truth_contains_the_codes_of_every_frame(tmp_path: Path) -> None:
    coded_videos(tmp_path).run()
    truth = pd.read_parquet(tmp_path / "codes/truth.parquet")
    assert len(truth) == 16
    for video, table in truth.groupby("video"):
        codes = pd.read_csv(tmp_path / "codes/csv" / Path(str(video)).with_suffix(".csv"))
        columns = ["frame", "AU1", "AU12", "AU45", "L12"]
        np.testing.assert_array_equal(codes[columns], table[columns])


def test_same_settings_give_the_same_videos_and_complete_videos_are_kept(tmp_path: Path) -> None:
    coded_videos(tmp_path / "a").run()
    coded_videos(tmp_path / "b").run()
    path = Path("videos/S02-ict/S02-ict_T1.mp4")
    assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes()
    (tmp_path / "a" / path).write_bytes(b"")
    coded_videos(tmp_path / "a", formats=("textgrid",)).run()
    assert (tmp_path / "a" / path).read_bytes() == b""
    with pytest.raises(InputError, match="seed = 0, not 1"):
        coded_videos(tmp_path / "a", seed=1).run()


def test_every_action_unit_occurs_in_a_tenth_of_the_frames(tmp_path: Path) -> None:
    videos = coded_videos(tmp_path, aus=(1, 2, 4, 6, 9, 12, 17, 25, 45), num_subjects=12, num_frames=96)
    labels = np.concatenate([videos.video_codes(video, videos.animation(video)).labels for video in videos.videos])
    assert (labels.mean(0) > 0.08).all()
    assert (labels.mean(0) < 0.5).all()


def test_labels_follow_sides_and_blinks() -> None:
    animation = FaceAnimation.neutral(3)
    animation.intensity[1, AUS.index(12)] = (0.5, 0.05)  # left, right; the mean is below the level
    animation.intensity[2, AUS.index(12)] = (0.5, 0.5)
    animation = replace(animation, blink=np.array([0, 0.4, 0.6], np.float32))
    found = {au: coded_labels(animation, au).tolist() for au in (12, "L12", "R12", 45)}
    assert found == {12: [0, 0, 1], "L12": [0, 1, 1], "R12": [0, 0, 1], 45: [0, 0, 1]}


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"aus": ()}, "--aus is empty"), ({"aus": (5,)}, "unknown 5"), ({"aus": (12, "AU12")}, "twice"),
     ({"formats": ("xml",)}, "unknown 'xml'"), ({"formats": ("openface",)}, "one-sided"), ({"size": 161}, "size")],
)  # fmt: skip
def test_invalid_settings_are_reported(tmp_path: Path, settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        coded_videos(tmp_path, **settings)
