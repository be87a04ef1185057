"""Prediction of videos: every frame of every face is scored, in the same clips as in testing."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from mdhr.data.faces.detection import FaceDetector
from mdhr.data.faces.main_face import crop_track, track_main_face
from mdhr.data.video.frame_source import VideoFile
from mdhr.errors import InputError
from mdhr.inference.predictor import Predictor, resolve_thresholds
from mdhr.inference.video_clips import clip_stride, thumbnail_positions
from tests.support.stub_model import Marked, StubModel, write_images

STILL = [(60, 30, 30, 0)]


def reddening(length: int) -> list[list[tuple[int, int, int, int]]]:
    """Return one face per frame at a fixed position, redder from frame to frame."""
    return [[(60, 30, 30, 6 * frame)] for frame in range(length)]


def naive_scores(faces: np.ndarray, model: StubModel, *, stride: int, overlap: int) -> np.ndarray:
    """Return the scores ``(F, N)`` of interleaved sequences that are cut clip by clip."""
    num_frames = model.description.num_frames
    collected: list[list[np.ndarray]] = [[] for _ in faces]
    for phase in range(stride):
        sequence = list(range(len(faces)))[phase::stride]
        start = 0
        while sequence:
            clip = sequence[start : start + num_frames]
            padded = clip + [clip[-1]] * (num_frames - len(clip))
            scores = model.score(torch.from_numpy(faces[padded]).movedim(-1, -3)[None])[0]
            for position, row in zip(clip, scores, strict=False):
                collected[position].append(row)
            if start + num_frames >= len(sequence):
                break
            start += num_frames - overlap
    return np.stack([np.mean(rows, axis=0) for rows in collected])


@pytest.mark.parametrize(("stride", "overlap"), [(1, 0), (1, 3), (3, 0), (4, 5)])
def test_scores_equal_those_of_single_clips(talking: Path, stride: int, overlap: int) -> None:
    model = StubModel(num_frames=16, frame_interval=stride / 30)
    prediction = Predictor(model, overlap=overlap, batch_size=3).predict(talking)
    track = track_main_face(VideoFile(talking), detector=FaceDetector(), fill=0.8)
    faces = np.stack(list(crop_track(VideoFile(talking), track, size=32)))
    np.testing.assert_allclose(
        prediction.scores[0], naive_scores(faces, model, stride=stride, overlap=overlap), atol=1e-6
    )
    table = prediction.table
    assert table["frame"].tolist() == list(range(120))
    assert table["track"].eq(1).all()
    np.testing.assert_allclose(table["time_seconds"], track.time, atol=1e-4)
    assert np.isfinite(table.filter(regex="score|box|confidence").to_numpy()).all()
    assert table["confidence"].between(0.5, 1).all()
    assert (table["box_width"] / table["box_height"]).between(0.6, 0.95).all()
    np.testing.assert_array_equal(prediction.thumbnails[0], faces[np.array(thumbnail_positions(120)) // 2 * 2])


@pytest.mark.parametrize("length", [1, 3, 4, 5, 13])
def test_last_clip_is_padded_and_scores_of_padding_are_dropped(tmp_path: Path, length: int) -> None:
    model = StubModel()
    table = Predictor(model, detector=Marked(), overlap=0)(write_images(tmp_path / "a", reddening(length)))
    red = (table["score_AU1"] * 255).round().astype(int).tolist()
    assert len(red) == length
    assert all(one < other for one, other in pairwise(red))
    inputs = [each for clip in model.inputs for each in clip]
    assert inputs[:length] == red
    assert inputs[length:] == red[-1:] * (-length % 4)
    assert table["score_AU6"].to_numpy() == pytest.approx((np.arange(length) % 4) / 3), "positions in the clips"


@pytest.mark.parametrize(("rate", "stride"), [(8, 1), (25, 3), (30, 4)])
def test_clips_of_a_faster_video_skip_frames(tmp_path: Path, rate: int, stride: int) -> None:
    """The model was trained with 8 frames per second; all frames are scored."""
    model = StubModel(frame_interval=1 / 8)
    table = Predictor(model, detector=Marked())(write_images(tmp_path / "a", reddening(20)), fps=rate)
    red = (table["score_AU1"] * 255).round().astype(int).tolist()
    assert sorted(model.inputs)[0] == [red[stride * i] for i in range(4)]
    assert len(set(red)) == 20


def test_clip_stride_approximates_the_interval_of_training() -> None:
    assert clip_stride(0.04, 0.12) == 3
    assert clip_stride(0.12, 0.12) == 1
    assert clip_stride(0.5, 0.12) == 1


def test_two_tracks_with_a_gap_and_an_end(tmp_path: Path) -> None:
    left, right = (20, 30, 30, 40), (110, 30, 24, 200)
    faces = [[left, right] if frame not in (12, 13) else [left] for frame in range(30)]
    faces += [[left]] * 10 + [[]] * 40
    prediction = Predictor(StubModel(), detector=Marked()).predict(write_images(tmp_path / "two", faces))
    table = prediction.table
    assert table.groupby("frame").size().tolist() == [2] * 30 + [1] * 50
    assert table["track"].isna().sum() == 40, "one row per frame without a track"
    assert table[table["track"].isna()].filter(regex="score|AU|box|confidence").isna().all(axis=None)
    first, second = (table[table["track"] == track] for track in (1, 2))
    assert first["frame"].tolist() == list(range(40))
    assert second["frame"].tolist() == list(range(30))
    lost = second[second["box_x"].isna()]
    assert lost["frame"].tolist() == [12, 13]
    assert lost.filter(regex="score|^AU|confidence").isna().all(axis=None)
    assert np.isfinite(prediction.scores[1]).all(), "scores of the interpolated crop"
    assert (second["score_AU1"].dropna() > first["score_AU1"].max()).all(), "each track is scored by its own face"
    assert second.loc[~second["box_x"].isna(), "box_x"].between(109, 111).all()
    assert first["AU1"].eq(0).all()


def test_video_without_a_face_has_empty_scores(tmp_path: Path) -> None:
    table = Predictor(StubModel(), detector=Marked())(write_images(tmp_path / "none", [[]] * 5))
    assert len(table) == 5
    assert table["track"].isna().all()
    assert table.filter(regex="score").isna().all(axis=None)
    assert table["AU1"].dtype == "Int8"
    assert table["score_AU1"].dtype == np.float32


def test_progress_reports_frames_with_and_without_a_face(tmp_path: Path) -> None:
    calls: list[int] = []
    predictor = Predictor(StubModel(), detector=Marked(), batch_size=1)
    predictor(write_images(tmp_path / "a", [[]] * 3 + [STILL] * 10 + [[]] * 30), progress=calls.append)
    assert calls[:3] == [1, 2, 3]
    assert max(calls) == 43
    assert len(set(calls)) > 30


def test_scores_at_the_threshold_are_active(tmp_path: Path) -> None:
    images = write_images(tmp_path / "a", reddening(20))
    own = Predictor(StubModel(), detector=Marked())(images)
    chosen = Predictor(StubModel(), detector=Marked(), thresholds={"AU1": 0.3})(images)
    np.testing.assert_array_equal(own["AU1"], own["score_AU1"] >= 0.5)
    np.testing.assert_array_equal(chosen["AU1"], chosen["score_AU1"] >= 0.3)
    assert chosen["AU1"].nunique() == 2
    pd.testing.assert_series_equal(own["AU4"], chosen["AU4"])


def test_values_out_of_range_are_reported() -> None:
    model = StubModel()
    with pytest.raises(InputError, match="overlap=4 is out of range: expected 0 to 3"):
        Predictor(model, overlap=4)
    with pytest.raises(InputError, match="batch_size=0 is out of range"):
        Predictor(model, batch_size=0)
    with pytest.raises(
        InputError, match="threshold of AU7: the model does not predict this action unit, expected one of AU1, AU2, AU4"
    ):
        Predictor(model, thresholds={"AU7": 0.5})
    with pytest.raises(InputError, match=r"threshold of AU1: 1\.5 is out of range"):
        resolve_thresholds(model.au_set, 1.5, default=model.description.default_thresholds(model.au_set))
    with pytest.raises(InputError, match=r"video none.* does not exist"):
        Predictor(model)("none.mp4")


def test_errors_of_the_prefetch_thread_are_raised(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "a", [STILL] * 10)

    (folder / "7.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"7\.png is truncated or not an image"):
        Predictor(StubModel(), detector=Marked())(folder)


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, mdhr; mdhr.load; sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
