"""The picture: written whole, wide enough to read, and colored where it must be."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mdhr.action_units import ACTION_UNIT_SETS, AU_NAMES, BP4D
from mdhr.inference.timeline import SCORE_COLOR, TRUE_COLOR, plot_timeline

NUM_FRAMES = 40


def _pixels_of(picture: np.ndarray, color: str) -> np.ndarray:
    """Boolean map of the pixels of that color."""
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])
    return (np.abs(picture[..., ::-1].astype(int) - rgb) <= 2).all(-1)


def _draw(path: Path, **changes: np.ndarray | None) -> np.ndarray:
    values = {
        "frames": np.zeros((NUM_FRAMES, 24, 24, 3), np.uint8),
        "seconds": np.arange(NUM_FRAMES) / 25,
        "scores": np.zeros((NUM_FRAMES, len(BP4D.aus))),
        "truth": np.zeros((NUM_FRAMES, len(BP4D.aus)), np.int8),
        "threshold": np.array(0.5),
    } | changes
    plot_timeline(path, au_set=BP4D, title="title", note="note", **values)  # type: ignore[arg-type]
    return cv2.imread(str(path))


def test_every_action_unit_has_a_name() -> None:
    assert {au for au_set in ACTION_UNIT_SETS.values() for au in au_set.aus} <= set(AU_NAMES)


def test_the_picture_is_wide_enough_to_read_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    picture = _draw(tmp_path / "timeline.png")
    assert 1200 <= picture.shape[1] <= 1600
    assert [file.name for file in tmp_path.iterdir()] == ["timeline.png"]


def test_what_is_active_and_what_the_network_says_stand_where_they_happen(tmp_path: Path) -> None:
    """AU1 is really active in the first half, the network says so of the second half of AU24."""
    truth = np.zeros((NUM_FRAMES, 12), np.int8)
    truth[: NUM_FRAMES // 2, 0] = 1
    scores = np.zeros((NUM_FRAMES, 12))
    scores[NUM_FRAMES // 2 :, -1] = 0.9
    quiet = _draw(tmp_path / "quiet.png")
    picture = _draw(tmp_path / "timeline.png", truth=truth, scores=scores)
    true_rows, true_columns = np.nonzero(_pixels_of(picture, TRUE_COLOR) & ~_pixels_of(quiet, TRUE_COLOR))
    said_rows, said_columns = np.nonzero(_pixels_of(picture, SCORE_COLOR) & ~_pixels_of(quiet, SCORE_COLOR))
    assert true_rows.max() < said_rows.min(), "AU1 is the first row, AU24 the last"
    assert true_columns.max() == pytest.approx(said_columns.min(), abs=30), "they meet in the middle"


def test_a_video_without_labels_and_partly_without_a_face(tmp_path: Path) -> None:
    face_found = np.arange(NUM_FRAMES) % 2 == 0
    picture = _draw(tmp_path / "timeline.png", truth=None, face_found=face_found)
    assert not _pixels_of(picture, TRUE_COLOR).any()
    assert _pixels_of(picture, "#DDDDDD").sum() > 10_000


def test_every_action_unit_may_have_its_threshold_and_frames_without_a_score_none(tmp_path: Path) -> None:
    """AU1 is at 0.4 and AU2 at 0.6 in the scored half; by the thresholds both are active, or neither is."""
    scores = np.full((NUM_FRAMES, 12), np.nan)
    scores[: NUM_FRAMES // 2] = 0
    scores[: NUM_FRAMES // 2, :2] = 0.4, 0.6
    wide = np.full(12, 0.9)
    pictures = np.zeros((9, 24, 24, 3), np.uint8)  # evenly spaced ones do
    below = _draw(tmp_path / "below.png", scores=scores, threshold=wide, truth=None, frames=pictures)
    wide[:2] = 0.3, 0.5
    above = _draw(tmp_path / "above.png", scores=scores, threshold=wide, truth=None, frames=pictures)
    assert above.shape == below.shape
    _, columns = np.nonzero(_pixels_of(above, SCORE_COLOR) & ~_pixels_of(below, SCORE_COLOR))
    assert columns.min() == pytest.approx(260, abs=10)
    assert np.quantile(columns, 0.99) < 260 + (1280 - 260) / 2 + 10, "nothing where nothing was scored"
