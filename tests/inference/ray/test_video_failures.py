"""Any error of a video in a worker process becomes a part of the pipeline. These tests need no Ray."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mdhr.inference.ray.engine as engine
from mdhr.inference.clip_cropping import CroppedClips
from mdhr.inference.model import Model
from tests.support.stub_model import Marked, StubModel

VIDEO = Path("/videos/a.mp4")


class Failing(StubModel):
    def score(self, clips: torch.Tensor) -> np.ndarray:
        raise RuntimeError("out of memory")


def row(part: engine._Part) -> dict[str, Any]:
    return {"part": [pickle.dumps(part)]}


def parts(rows: Any) -> list[engine._Part]:
    return [pickle.loads(each["part"][0]) for each in rows]


def test_an_error_while_a_video_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "open_source", lambda path, fps: 1 / 0)
    (part,) = parts(engine._crop_video({"name": ["a"], "video": [str(VIDEO)]}, make_detector=Marked, fps=None))
    assert str(part.content) == "cannot score /videos/a.mp4: ZeroDivisionError: division by zero"
    assert engine._is_complete([part])


def test_an_error_of_the_network() -> None:
    def load_model() -> Model:
        return Failing()

    worker = engine._ScoringWorker(load_model, {"a": VIDEO})
    batch = engine._Part("a", 0, CroppedClips(torch.zeros(1), [], 0))
    (part,) = parts([worker(row(batch))])
    assert str(part.content) == "cannot score /videos/a.mp4: RuntimeError: out of memory"
    assert engine._is_complete([part])
    end = engine._Part("a", 1, engine._VideoEnd(None, [], []))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="out of memory"):
        engine._assemble(None, VIDEO, [part, end], lambda frames: None)  # type: ignore[arg-type]
