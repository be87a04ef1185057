"""Training on stored frames equals training on image files."""

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig

from mdhr.data.datamodule import FaceVideoData
from mdhr.data.prepared import stored_array
from mdhr.data.prepared.frame_cache import StoredFrames
from mdhr.data.prepared.manifest import DESCRIPTION, read_manifest
from mdhr.data.video.frame_images import read_frame
from mdhr.errors import InputError
from mdhr.training.caching import store_frames
from mdhr.training.run_folder import result_affecting_config

pytestmark = pytest.mark.filterwarnings("ignore:.*shorter than a clip")


@pytest.fixture(scope="module")
def stored(compose_smoke: Callable[..., DictConfig], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Setting of a folder with the stored frames of the prepared data set."""
    setting = f"data.module.frames={tmp_path_factory.mktemp('stored') / 'frames'}"
    store_frames(compose_smoke(Path("unused"), setting))
    return setting


@pytest.fixture
def make_data(smoke: Callable[..., DictConfig]) -> Callable[..., FaceVideoData]:
    return lambda *overrides: instantiate(smoke(*overrides).data.module, _convert_="all")


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("drop", [False, True], ids=["all", "drop_list"])
def test_clips_equal_those_from_image_files(
    make_data: Callable[..., FaceVideoData], stored: str, tmp_path: Path, drop: bool, num_workers: int
) -> None:
    settings = [f"data.module.num_workers={num_workers}"]
    if drop:
        (tmp_path / "dropped.yaml").write_text("F002/T1: [0, 4]\nM001/T2: [1]\n")
        settings.append(f"data.module.drop_list={tmp_path / 'dropped.yaml'}")
    files, array = make_data(*settings), make_data(stored, *settings)
    for name in ("train_dataloader", "test_dataloader"):
        batches, others = (list(getattr(data, name)()) for data in (files, array))
        assert len(batches) > 1
        for one, other in zip(batches, others, strict=True):
            for a, b in zip(one, other, strict=True):
                assert a is b is None or torch.equal(a, b)


def test_stored_frames_are_read_without_opening_image_files(
    make_data: Callable[..., FaceVideoData], stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, **_: object) -> np.ndarray:
        raise AssertionError(path)

    monkeypatch.setattr("mdhr.data.dataset.read_frame", refuse)
    data = make_data(stored)
    assert len(list(data.train_dataloader())) > 0
    assert len(list(data.val_dataloader())) > 0
    with pytest.raises(AssertionError):
        next(iter(make_data().train_dataloader()))


def test_pickle_contains_no_pixels(prepared: Path, stored: str) -> None:
    manifest = read_manifest(prepared)
    frames = StoredFrames(stored.partition("=")[2], manifest=manifest)
    content = pickle.dumps(frames)
    assert len(content) < frames.array.nbytes / 20
    path = manifest.videos()[2].paths[5]
    np.testing.assert_array_equal(pickle.loads(content).read(path), read_frame(path, manifest.size))


def test_folder_of_stored_frames_does_not_affect_results(compose_smoke: Callable[..., DictConfig], stored: str) -> None:
    files, array = (result_affecting_config(compose_smoke(Path("run"), *overrides)) for overrides in ((), (stored,)))
    assert files == array


def test_up_to_date_frames_are_kept_and_outdated_ones_replaced(
    exit_status: Callable[..., int], prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = shutil.copytree(prepared, tmp_path / "noise")
    override, array = f"data.root={root}", root / "stored_frames" / "frames.npy"
    assert exit_status("store-frames", override) == 0
    assert f"data.module.frames={array.parent}" in capsys.readouterr().out
    assert np.load(array).shape == (90, 72, 72, 3)
    written = array.stat().st_mtime_ns
    assert exit_status("store-frames", override) == 0
    assert array.stat().st_mtime_ns == written
    (root / DESCRIPTION).write_text((root / DESCRIPTION).read_text() + "# prepared again\n")
    with pytest.raises(
        InputError, match=r"stored frames in .* are of another data set\. Write them with `mdhr store-frames`"
    ):
        StoredFrames(array.parent, manifest=read_manifest(root))
    assert exit_status("store-frames", override) == 0
    assert array.stat().st_mtime_ns != written
    for content in (None, b"", array.read_bytes()[:1000]):
        array.unlink() if content is None else array.write_bytes(content)
        with pytest.raises(
            InputError, match=r"frames\.npy is missing or damaged\. Write them with `mdhr store-frames`"
        ):
            StoredFrames(array.parent, manifest=read_manifest(root))
        assert exit_status("store-frames", override) == 0
        assert np.load(array).shape == (90, 72, 72, 3)
    assert sorted(path.name for path in root.iterdir()) == sorted(
        ["stored_frames", *(path.name for path in prepared.iterdir())]
    )


def test_failures_raise_input_error_and_write_nothing(
    smoke: Callable[..., DictConfig], prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = f"data.module.frames={tmp_path / 'frames'}"
    with pytest.raises(InputError, match=r"data\.module\.frames is not set\. Set it to the folder"):
        store_frames(smoke())
    with pytest.raises(InputError, match=r"frames exists and contains something else than stored frames\. Choose"):
        store_frames(smoke(f"data.module.frames={prepared / 'frames'}"))
    assert len(list((prepared / "frames").rglob("*.jpg"))) == 90
    for name in ("cache_key.yaml", "features.npy"):
        (tmp_path / "features").mkdir(exist_ok=True)
        (tmp_path / "features" / name).touch()
    with pytest.raises(InputError, match=r"features exists and contains something else than stored frames\. Choose"):
        store_frames(smoke(f"data.module.frames={tmp_path / 'features'}"))
    assert (tmp_path / "features" / "features.npy").is_file(), "stored features are not replaced by frames"
    with monkeypatch.context() as patch:
        patch.setattr(stored_array.shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(9, 9, 1000))
        with pytest.raises(
            InputError,
            match=r"stored frames need 0\.0 GB, but only 0\.0 GB are free in .*\. .*train without data\.module",
        ):
            store_frames(smoke(setting))
    broken = shutil.copytree(prepared, tmp_path / "broken")
    (broken / "frames" / "M003" / "T2" / "00005.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(InputError, match=r"00005\.jpg is truncated"):
        store_frames(smoke(setting, f"data.root={broken}"))
    assert not list(tmp_path.glob("*frames*"))
    assert not list(tmp_path.glob(".*"))
