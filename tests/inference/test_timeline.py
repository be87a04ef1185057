"""Timeline figure: size, atomic writing and colors."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mdhr.action_units import ACTION_UNIT_SETS, BP4D
from mdhr.action_units.facs import AU_NAMES
from mdhr.inference.timeline import SCORE_COLOR, TRUE_COLOR, plot_timeline

NUM_FRAMES = 40


def _pixels_of(picture: np.ndarray, color: str) -> np.ndarray:
    """Return a boolean mask of the pixels of a color."""
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


def test_size_and_no_temporary_files(tmp_path: Path) -> None:
    picture = _draw(tmp_path / "timeline.png")
    assert 1200 <= picture.shape[1] <= 1600
    assert [file.name for file in tmp_path.iterdir()] == ["timeline.png"]


def test_positions_of_ground_truth_and_predictions(tmp_path: Path) -> None:
    """AU1 is active in the first half; AU24 is predicted active in the second half."""
    truth = np.zeros((NUM_FRAMES, 12), np.int8)
    truth[: NUM_FRAMES // 2, 0] = 1
    scores = np.zeros((NUM_FRAMES, 12))
    scores[NUM_FRAMES // 2 :, -1] = 0.9
    quiet = _draw(tmp_path / "quiet.png")
    picture = _draw(tmp_path / "timeline.png", truth=truth, scores=scores)
    true_rows, true_columns = np.nonzero(_pixels_of(picture, TRUE_COLOR) & ~_pixels_of(quiet, TRUE_COLOR))
    predicted_rows, predicted_columns = np.nonzero(_pixels_of(picture, SCORE_COLOR) & ~_pixels_of(quiet, SCORE_COLOR))
    assert true_rows.max() < predicted_rows.min(), "AU1 is the first row, AU24 the last"
    assert true_columns.max() == pytest.approx(predicted_columns.min(), abs=30), "they meet in the middle"


def test_video_without_labels_and_with_missing_faces(tmp_path: Path) -> None:
    face_found = np.arange(NUM_FRAMES) % 2 == 0
    picture = _draw(tmp_path / "timeline.png", truth=None, face_found=face_found)
    assert not _pixels_of(picture, TRUE_COLOR).any()
    assert _pixels_of(picture, "#DDDDDD").sum() > 10_000


def test_thresholds_by_action_unit_and_missing_scores(tmp_path: Path) -> None:
    """AU1 scores 0.4 and AU2 0.6 in the scored half; the thresholds make both active or neither."""
    scores = np.full((NUM_FRAMES, 12), np.nan)
    scores[: NUM_FRAMES // 2] = 0
    scores[: NUM_FRAMES // 2, :2] = 0.4, 0.6
    wide = np.full(12, 0.9)
    pictures = np.zeros((9, 24, 24, 3), np.uint8)
    below = _draw(tmp_path / "below.png", scores=scores, threshold=wide, truth=None, frames=pictures)
    wide[:2] = 0.3, 0.5
    above = _draw(tmp_path / "above.png", scores=scores, threshold=wide, truth=None, frames=pictures)
    assert above.shape == below.shape
    _, columns = np.nonzero(_pixels_of(above, SCORE_COLOR) & ~_pixels_of(below, SCORE_COLOR))
    assert columns.min() == pytest.approx(260, abs=10)
    assert np.quantile(columns, 0.99) < 260 + (1280 - 260) / 2 + 10, "no bars without scores"
