"""Every frame is scored once, by a network in eval mode, whatever the length of the video."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import mdhr.predict
from mdhr.data.face_video import FaceTrack
from mdhr.data.transforms import IMAGENET_MEAN, IMAGENET_STD
from mdhr.errors import InputError
from mdhr.predict import score_frames, score_video


class FirstPixel(nn.Module):
    """Scores a frame by its red value in [0, 1], found again from the normalised pixels, and notes what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))
        self.seen: list[Tensor] = []

    def forward(self, frames: Tensor) -> SimpleNamespace:
        assert not self.training
        red = frames[:, :, 0, 0, 0] * IMAGENET_STD[0] + IMAGENET_MEAN[0]  # B T
        self.seen.append((red * 255).round().int())
        return SimpleNamespace(scores=red[..., None])


def _video(length: int) -> np.ndarray:
    """Frame number f is painted with the value f."""
    return np.broadcast_to(np.arange(length, dtype=np.uint8)[:, None, None, None], (length, 6, 6, 3)).copy()


@pytest.mark.parametrize(("length", "stride"), [(1, 1), (3, 2), (16, 1), (37, 1), (37, 2), (37, 3)])
def test_every_frame_gets_its_own_score(length: int, stride: int) -> None:
    network = FirstPixel().train()
    scores = score_frames(network, _video(length), num_frames=4, stride=stride, crop_size=6, batch_size=3)
    np.testing.assert_allclose(scores[:, 0], np.arange(length) / 255, atol=1e-6)
    assert network.training, "left as it was"


def test_clips_are_the_consecutive_segments_of_a_test_video() -> None:
    network = FirstPixel()
    score_frames(network, _video(10), num_frames=4, stride=1, crop_size=6, batch_size=2)
    assert torch.cat(network.seen).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 9, 9]]


def test_frames_of_another_size_are_resized() -> None:
    network = FirstPixel()
    score_frames(network, _video(4), num_frames=4, stride=1, crop_size=3, batch_size=2)
    assert network.seen[0].tolist() == [[0, 1, 2, 3]]


def test_an_empty_video_is_refused() -> None:
    with pytest.raises(InputError, match="no frame to score"):
        score_frames(FirstPixel(), _video(0), num_frames=4, stride=1, crop_size=6, batch_size=2)


@pytest.mark.parametrize(("rate", "stride"), [(8, 1), (25, 3), (30, 4)])
def test_clips_of_a_faster_video_skip_frames(rate: int, stride: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network learnt at 8 frames a second; every frame is scored all the same."""
    boxes = np.zeros((20, 4))
    track = FaceTrack(time=np.arange(20) / rate, face_found=np.ones(20, bool), crop=boxes, detected=boxes)
    monkeypatch.setattr(mdhr.predict, "crop_faces", lambda path, *, size, fill: (_video(20), track))
    network = FirstPixel()
    scored = score_video(network, Path("any.mp4"), size=6, zoom=1.1, num_frames=4, seconds_between=1 / 8, batch_size=2)
    assert network.seen[0][0].tolist() == [0, stride, 2 * stride, 3 * stride]
    np.testing.assert_allclose(scored.scores[:, 0], np.arange(20) / 255, atol=1e-6)
