"""Summary line of a video."""

from pathlib import Path

import numpy as np
import pytest

from mdhr.data.faces.detection import FaceDetector
from mdhr.data.video.decoding import read_video
from mdhr.data.video.encoding import write_video
from mdhr.inference.predictor import Predictor
from mdhr.inference.video_job import summarize_prediction
from tests.support.stub_model import StubModel


@pytest.mark.parametrize(("quarters", "rolled"), [(0, False), (1, True), (2, True)])
def test_summary_warns_about_faces_that_are_rolled_by_more_than_40_degrees(
    talking: Path, tmp_path: Path, quarters: int, rolled: bool
) -> None:
    with write_video(tmp_path / "turned.mp4") as add:
        for i, (_, frame) in zip(range(12), read_video(talking), strict=False):
            add(i / 30, np.ascontiguousarray(np.rot90(frame[:, :192], quarters)))
    summary = summarize_prediction(Predictor(StubModel(), detector=FaceDetector()).predict(tmp_path / "turned.mp4"))
    assert summary.startswith("12 frames, a face in 12 of them, 1 track")
    assert ("a face is rolled by up to 1" in summary) == rolled
