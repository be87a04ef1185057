"""Clips contain the frames and labels of their positions."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mdhr.action_units import BP4D
from mdhr.data.dataset import SequentialClips, TrainingClips, clip_positions
from mdhr.data.prepared.manifest import Video, read_manifest
from mdhr.errors import InputError
from tests.data.conftest import FIRST_FRAME, SIZE


@pytest.fixture
def videos(tiny: Path) -> list[Video]:
    return read_manifest(tiny).videos()


def training(videos: list[Video], **changes: object) -> TrainingClips:
    settings = {"au_set": BP4D, "size": SIZE, "crop_size": 24, "num_frames": 4, "seed": 3, "jitter": (1.0, 1.0)}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*shorter than a clip")
        return TrainingClips(videos=videos, **{**settings, **changes})  # type: ignore[arg-type]


def segments(videos: list[Video], **changes: object) -> SequentialClips:
    settings = {"au_set": BP4D, "size": SIZE, "crop_size": 24, "num_frames": 4}
    return SequentialClips(videos=videos, **{**settings, **changes})  # type: ignore[arg-type]


def seen(frames: torch.Tensor) -> tuple[list[int], list[int]]:
    """Video and position that the colors of ``T 3 H W`` frames stand for."""
    red, green, _ = frames.float().mean((2, 3)).T
    return ((red - 10) / 20).round().int().tolist(), ((green - 10) / 16).round().int().tolist()


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kind", ["training", "test"])
def test_pixels_numbers_and_labels_belong_together(videos: list[Video], kind: str, stride: int) -> None:
    dataset = training(videos, stride=stride) if kind == "training" else segments(videos, stride=stride)
    for index in range(len(dataset)):
        clip = dataset[index]
        video = int(clip.video)
        pixel_video, pixel_position = seen(clip.frames)
        assert pixel_video == [video] * 4
        known = clip.frame >= 0
        assert known[0]
        assert [p + FIRST_FRAME for p in np.array(pixel_position)[known.numpy()]] == clip.frame[known].tolist()
        assert (clip.frame[known].diff() == stride).all()
        # Padding repeats the last frame, without labels.
        assert set(np.array(pixel_position)[~known.numpy()]) <= {pixel_position[int(known.sum()) - 1]}
        assert (clip.au[~known] == -1).all()
        assert (clip.region[~known] == -1).all()
        rows = np.searchsorted(videos[video].frame, clip.frame[known].numpy())
        np.testing.assert_array_equal(clip.au[known].numpy(), videos[video].au[rows])
        torch.testing.assert_close(clip.region, BP4D.region_pattern(clip.au))
        assert (clip.frames.dtype, clip.au.dtype, clip.region.dtype) == (torch.uint8, torch.int8, torch.int64)


@pytest.mark.parametrize("stride", [1, 2, 3, 7])
@pytest.mark.parametrize("num_frames", [1, 4, 16])
def test_segments_contain_every_frame_exactly_once(videos: list[Video], num_frames: int, stride: int) -> None:
    dataset = segments(videos, num_frames=num_frames, stride=stride)
    found = []
    for index, (video, _) in enumerate(dataset.segments):
        positions, padding = dataset.positions(index)
        found += [(video, position) for position in positions[~padding].tolist()]
    expected = [(video, position) for video, frames in enumerate(videos) for position in range(len(frames))]
    assert sorted(found) == expected
    if stride == 1:
        assert found == expected


def test_clips_depend_only_on_seed_epoch_and_index(videos: list[Video]) -> None:
    first, second = training(videos, jitter=(0.6, 1.4)), training(videos, jitter=(0.6, 1.4))
    for epoch, index in [(0, 3), (7, 3), (7, 0)]:
        second[5]
        for a, b in zip(first[epoch, index], second[epoch, index], strict=True):
            assert a is b is None or torch.equal(a, b)
    assert torch.equal(first[2].frames, first[0, 2].frames)


def test_epochs_indices_and_seeds_differ(videos: list[Video]) -> None:
    dataset = training(videos, clips_per_video=20)
    assert len(dataset) == 200
    starts = {
        "epochs": [int(dataset[epoch, 0].frame[0]) for epoch in range(20)],
        "indices": [int(dataset[0, index].frame[0]) for index in range(20)],
        "seeds": [int(training(videos, seed=seed)[0].frame[0]) for seed in range(20)],
    }
    for name, values in starts.items():
        # Nine frames hold six clips of four; twenty draws meet at least four of them.
        assert set(values) <= set(range(FIRST_FRAME, FIRST_FRAME + 6)), name
        assert len(set(values)) >= 4, name


def test_one_draw_for_all_frames_of_a_clip(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    Image.fromarray(image).save(tmp_path / "same.png")
    paths = tuple(str(shutil.copy(tmp_path / "same.png", tmp_path / f"{i}.png")) for i in range(9))
    still = Video("F001", "T1", paths, np.arange(9), np.zeros((9, 12), np.int8))
    dataset = training([still], jitter=(0.6, 1.4))
    clips = [dataset[epoch, 0] for epoch in range(6)]
    for clip in clips:
        assert (clip.frames == clip.frames[0]).all()
    assert len({clip.frames.float().mean().item() for clip in clips}) == 6
    colors = torch.stack([clip.color for clip in clips])
    assert colors.unique().numel() == 6 * 3
    assert 0.6 <= colors.min() < 0.8 < 1.2 < colors.max() <= 1.4


def test_short_training_videos_are_padded_with_one_warning(videos: list[Video]) -> None:
    with pytest.warns(UserWarning, match=r"1 of 10 training videos .* 4 frames .* the first is F001/T2"):
        dataset = TrainingClips(videos=videos, au_set=BP4D, size=SIZE, crop_size=24, num_frames=4, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clip = dataset[1]
    assert clip.frame.tolist() == [FIRST_FRAME, FIRST_FRAME + 1, FIRST_FRAME + 2, -1]


def test_clip_positions() -> None:
    positions, padding = clip_positions(2, num_frames=4, stride=3, length=9)
    assert positions.tolist() == [2, 5, 8, 8]
    assert padding.tolist() == [False, False, False, True]


@pytest.mark.parametrize("kind", ["training", "test"])
@pytest.mark.parametrize("in_worker", [False, True])
def test_a_batch_contains_its_clips(
    videos: list[Video], kind: str, in_worker: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = training(videos, jitter=(0.6, 1.4)) if kind == "training" else segments(videos)
    clips = [dataset[0], dataset[3]]
    if in_worker:
        monkeypatch.setattr("mdhr.data.dataset.get_worker_info", object)
    batch = dataset.__getitems__([0, 3])
    assert batch.frames.shape == (2, 4, 3, 24, 24)
    assert batch.frames.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)
    assert batch.frames.is_shared() == in_worker, "sending other memory to the main process copies it"
    for found, *expected in zip(batch, *clips, strict=True):
        assert found is None if expected[0] is None else torch.equal(found, torch.stack(expected))
    assert batch.features is None
    assert (batch.color is None) == (kind == "test")


def test_broken_frame_is_named(tmp_path: Path, videos: list[Video]) -> None:
    path = tmp_path / "half.jpg"
    path.write_bytes(Path(videos[0].paths[0]).read_bytes()[:200])
    broken = Video("F001", "T1", (str(path),) * 9, videos[0].frame, videos[0].au)
    with pytest.raises(InputError, match=r"half\.jpg is truncated"):
        training([broken])[0]
