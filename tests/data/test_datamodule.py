"""Data module: splits, loaders and refused settings."""

import pickle
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from mdhr.action_units import BP4D, DISFA
from mdhr.data.datamodule import FaceVideoData
from mdhr.data.prepared.manifest import read_manifest
from mdhr.data.transforms import jitter_and_normalize, normalize
from mdhr.errors import InputError
from tests.data.conftest import build_tree
from tests.support.paths import CONF

pytestmark = pytest.mark.filterwarnings("ignore:.*shorter than a clip")


def subjects(data: FaceVideoData, split: str) -> set[str]:
    return {video.subject for video in data.videos(split)}  # type: ignore[arg-type]


def test_honest_validates_on_training_subjects(make_data: Callable[..., FaceVideoData]) -> None:
    data = make_data(fold=3)
    train, val, test = (subjects(data, split) for split in ("train", "val", "test"))
    assert test == {"M002", "M003"}
    assert len(val) == 1
    assert train | val == {"F001", "F002", "M001"}
    assert not train & val
    assert subjects(make_data(fold=3), "val") == val
    assert len({tuple(subjects(make_data(fold=3, seed=seed), "val")) for seed in range(20)}) == 3


def test_paper_validates_on_the_test_fold(make_data: Callable[..., FaceVideoData]) -> None:
    data = make_data(protocol="paper", fold=2)
    assert subjects(data, "val") == subjects(data, "test") == {"F002", "M001"}
    assert subjects(data, "train") == {"F001", "M002", "M003"}


def test_class_rates_leave_missing_out(make_data: Callable[..., FaceVideoData], tiny: Path) -> None:
    table = read_manifest(tiny).table
    train = table[~table.subject.isin(["F001"])]
    expected = [train[c][train[c] >= 0].mean() for c in BP4D.columns]
    np.testing.assert_allclose(make_data(protocol="paper").class_rates(), expected)


@pytest.mark.parametrize("num_workers", [1, 2])
def test_clips_do_not_depend_on_workers(make_data: Callable[..., FaceVideoData], num_workers: int) -> None:
    alone, loader = make_data().train_dataloader(), make_data(num_workers=num_workers).train_dataloader()
    for epoch in range(2):
        alone.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
        loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
        for one, other in zip(alone, loader, strict=True):
            for a, b in zip(one, other, strict=True):
                assert a is b is None or torch.equal(a, b)
            assert other.frames.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)


def test_test_loader_gives_every_frame_once(make_data: Callable[..., FaceVideoData]) -> None:
    data = make_data(fold=3)
    found = [
        (int(video), int(number))
        for batch in data.test_dataloader()
        for video, numbers in zip(batch.video, batch.frame, strict=True)
        for number in numbers
        if number >= 0
    ]
    assert found == [(i, int(n)) for i, video in enumerate(data.videos("test")) for n in video.frame]


def test_batches_are_normalized_on_their_device(make_data: Callable[..., FaceVideoData]) -> None:
    data = make_data()
    batch = next(iter(data.val_dataloader()))
    moved = data.on_after_batch_transfer(batch, 0)
    assert moved.frames.dtype == torch.float32
    assert moved.frames.shape == batch.frames.shape
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    expected = ((batch.frames.movedim(-3, -1) / 255 - mean) / std).movedim(-1, -3)
    torch.testing.assert_close(moved.frames, expected)
    assert moved.frames.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)


def test_colors_of_training_batches_change_on_their_device(make_data: Callable[..., FaceVideoData]) -> None:
    data = make_data(jitter=(0.6, 1.4))
    batch = next(iter(data.train_dataloader()))
    moved = data.on_after_batch_transfer(batch, 0)
    assert torch.equal(moved.frames, jitter_and_normalize(batch.frames, batch.color))
    assert (moved.frames - normalize(batch.frames)).abs().amax((1, 2, 3, 4)).min() > 0.1, "every clip has other colors"
    assert moved.color is None
    assert data.on_after_batch_transfer(moved._replace(frames=None), 0).frames is None


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_memory_is_pinned_for_cuda_devices_only(
    make_data: Callable[..., FaceVideoData], device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    data = make_data()
    assert not data.val_dataloader().pin_memory
    strategy = SimpleNamespace(root_device=torch.device(device))
    data.trainer = SimpleNamespace(strategy=strategy, global_rank=0, world_size=1)  # type: ignore[assignment]
    assert data.val_dataloader().pin_memory == (device == "cuda")


def test_wrong_settings_are_refused(make_data: Callable[..., FaceVideoData], tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data\.fold=4 does not exist in tiny: expected one of 1, 2, 3"):
        make_data(fold=4).setup()
    with pytest.raises(InputError, match=r"data\.crop_size=40 exceeds the frame size"):
        make_data(crop_size=40).setup()
    with pytest.raises(InputError, match="BP4D, but those of DISFA are required"):
        make_data(au_set=DISFA).setup()
    build_tree(tmp_path, {("F001", "T1"): 4, ("F002", "T1"): 4})
    lonely = partial(read_manifest, tmp_path)
    with pytest.raises(InputError, match=r"split test of fold \d of tiny is empty"):
        make_data(source=lonely, fold=3).setup()
    with pytest.raises(InputError, match=r"split train of fold \d of tiny is empty"):
        make_data(source=lonely, fold=1).setup()


def test_unlabeled_action_unit_is_refused(make_data: Callable[..., FaceVideoData], tiny: Path) -> None:
    def source(au_set: object) -> object:
        manifest = read_manifest(tiny)
        manifest.table["AU15"] = np.int8(-1)
        return manifest

    with pytest.raises(InputError, match="no training frame of fold 1 has a label of AU15"):
        make_data(source=source).class_rates()


def test_workers_start_in_the_same_way_on_every_python(make_data: Callable[..., FaceVideoData]) -> None:
    context = make_data(num_workers=1).train_dataloader().multiprocessing_context
    assert (context and context.get_start_method()) == ("fork" if sys.platform == "linux" else None)
    assert make_data(num_workers=0).train_dataloader().multiprocessing_context is None


def test_it_survives_a_pickle(make_data: Callable[..., FaceVideoData]) -> None:
    """Processes that are spawned, not forked, get the data set through a pickle."""
    dataset = pickle.loads(pickle.dumps(make_data().val_dataloader().dataset))
    assert len(dataset) > 0


@pytest.mark.parametrize("name", sorted(path.stem for path in (CONF / "data").glob("*.yaml")))
def test_every_configuration_composes(name: str, tiny: Path) -> None:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose(overrides=[f"+data={name}", "+seed=7", f"data.root={tiny}"])
    data = instantiate(config.data.module)
    assert isinstance(data, FaceVideoData)
    assert data.au_set.name == ("DISFA" if "disfa" in name else "own" if name == "own_data" else "BP4D")
    assert data.num_frames == config.data.num_frames
    if name.startswith("released_"):
        with pytest.raises(
            InputError, match=rf"list .*tiny.*/list/{data.au_set.name}_train_img_path_fold1\.txt does not exist"
        ):
            data.setup()
    elif "release" in config.data:  # the root is the release
        assert config.data.prepare.release == config.data.release
        assert data.source.keywords["root"] == f"data/{name}"
    else:
        assert data.source.keywords["root"] == str(tiny)
