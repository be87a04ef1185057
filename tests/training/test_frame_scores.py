"""Collected frames of one process. For several processes see ``test_ddp``."""

import pytest
import torch

from mdhr.batch import ClipBatch
from mdhr.errors import DivergedError
from mdhr.training.frame_scores import FrameScores


def clips(video: list[int], frame: list[list[int]]) -> ClipBatch:
    """Clips without frames; all labels are 1 and those of padding -1."""
    numbers = torch.tensor(frame)
    au = torch.where(numbers[..., None] < 0, -1, 1).expand(*numbers.shape, 3).to(torch.int8)
    return ClipBatch(frames=None, au=au, region=torch.empty(0), video=torch.tensor(video), frame=numbers)


def test_frames_are_ordered_and_unique_and_padding_is_dropped() -> None:
    frame_scores = FrameScores(num_aus=3)
    frame_scores.update(torch.full((2, 2, 3), 0.25), clips([1, 0], [[2, 3], [5, -1]]))
    frame_scores.update(torch.full((1, 2, 3), 0.75), clips([1], [[1, 2]]))
    frames = frame_scores.compute()
    assert frames.video.tolist() == [0, 1, 1, 1]
    assert frames.frame.tolist() == [5, 1, 2, 3]
    assert frames.scores[:, 0].tolist() == [0.25, 0.75, 0.25, 0.25]
    assert frames.labels.tolist() == [[1, 1, 1]] * 4
    assert (frames.scores.dtype, frames.labels.dtype, frames.video.dtype) == (torch.float32, torch.int8, torch.int64)


def test_shapes_of_one_frame_and_one_action_unit_are_kept() -> None:
    frame_scores = FrameScores(num_aus=1)
    clip = clips([0], [[0]])
    frame_scores.update(torch.full((1, 1, 1), 0.5), clip._replace(au=clip.au[..., :1]))
    frames = frame_scores.compute()
    assert [tuple(value.shape) for value in vars(frames).values()] == [(1,), (1,), (1, 1), (1, 1)]


def test_reset_removes_all_frames() -> None:
    frame_scores = FrameScores(num_aus=3)
    frame_scores.update(torch.zeros(1, 1, 3), clips([0], [[0]]))
    assert len(frame_scores.compute().frame) == 1
    frame_scores.reset()
    frame_scores.update(torch.zeros(1, 1, 3), clips([0], [[-1]]))
    assert len(frame_scores.compute().frame) == 0
    assert frame_scores.compute().scores.shape == (0, 3)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_scores_that_are_not_finite_are_refused_unless_they_are_padding(value: float) -> None:
    frame_scores = FrameScores(num_aus=3)
    scores = torch.zeros(1, 2, 3)
    scores[0, 1] = value
    frame_scores.update(scores, clips([0], [[0, -1]]))
    assert len(frame_scores.compute().frame) == 1
    frame_scores.update(scores, clips([0], [[0, 1]]))
    with pytest.raises(DivergedError, match="NaN or infinite scores"):
        frame_scores.compute()


def test_states_are_not_in_the_state_dict() -> None:
    frame_scores = FrameScores(num_aus=3)
    frame_scores.update(torch.zeros(1, 1, 3), clips([0], [[0]]))
    assert not frame_scores.state_dict()
