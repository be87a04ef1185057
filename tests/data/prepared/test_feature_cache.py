"""A training that reads stored maps is the training on frames, without its backbone's work."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig

from mdhr.data.prepared.feature_cache import StoredFeatures
from mdhr.data.prepared.manifest import read_manifest
from mdhr.data.transforms import normalize, resize
from mdhr.data.video.frame_images import read_frame
from mdhr.errors import InputError
from mdhr.training.caching import store_features
from mdhr.training.evaluation import evaluate
from mdhr.training.training_run import train

FROZEN = ("backbone.frozen=true", "data.module.jitter=[1,1]", "seed=3")


@pytest.fixture(scope="module")
def weights(compose_smoke: Callable[..., DictConfig], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A backbone that is the same whenever it is made."""
    folder = tmp_path_factory.mktemp("backbone")
    torch.manual_seed(0)
    model = instantiate(compose_smoke(folder).backbone, _convert_="all").model
    torch.save(model.state_dict(), folder / "backbone.pt")
    return f"backbone.weights={folder / 'backbone.pt'}"


@pytest.fixture(scope="module")
def maps(compose_smoke: Callable[..., DictConfig], weights: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The setting that names stored maps of the prepared noise."""
    setting = f"data.module.features={tmp_path_factory.mktemp('stored') / 'maps'}"
    store_features(compose_smoke(Path("unused"), *FROZEN, weights, setting))
    return setting


def test_every_frame_is_stored_as_it_is_and_mirrored(
    smoke: Callable[..., DictConfig], prepared: Path, weights: str, maps: str
) -> None:
    manifest = read_manifest(prepared)
    stored = StoredFeatures(maps.partition("=")[2], manifest=manifest, crop_size=64)
    backbone = instantiate(smoke(*FROZEN, weights).backbone, _convert_="all").eval()
    video = manifest.videos()[3]
    paths = video.paths[::-2]
    frames = resize(torch.from_numpy(np.stack([read_frame(path, 72) for path in paths])).movedim(-1, 1), 64)
    for mirrored in (False, True):
        seen = normalize(frames.flip(-1) if mirrored else frames)
        for ours, theirs in zip(
            backbone.unpack(stored.read(paths, mirrored=mirrored)).scales, backbone(seen).scales, strict=True
        ):
            assert ours.is_contiguous(memory_format=torch.channels_last)
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


def test_a_network_trained_on_maps_scores_frames(
    smoke: Callable[..., DictConfig],
    compose_evaluation: Callable[..., DictConfig],
    weights: str,
    maps: str,
    tmp_path: Path,
) -> None:
    train(smoke(*FROZEN, weights, maps))
    on_maps = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    evaluate(compose_evaluation(tmp_path / "run", "data.module.features=null"))
    on_frames = pd.read_parquet(tmp_path / "run" / "evaluation" / "predictions.parquet")
    scores = [column for column in on_maps if column.startswith("score")]
    assert len(scores) == 12
    np.testing.assert_allclose(on_maps[scores], on_frames[scores], atol=2e-3)


def test_frames_that_are_left_out_do_not_shift_the_others(
    smoke: Callable[..., DictConfig], prepared: Path, maps: str, tmp_path: Path
) -> None:
    (tmp_path / "left_out.yaml").write_text("F001/T1: [0, 4]\nM001/T2: [1]\n")
    drop = f"data.module.drop_list={tmp_path / 'left_out.yaml'}"
    data = instantiate(smoke(*FROZEN, maps, drop).data.module, _convert_="all")
    stored = StoredFeatures(maps.partition("=")[2], manifest=read_manifest(prepared), crop_size=64)
    segments = data.test_dataloader().dataset
    for index, (video, _) in enumerate(segments.segments):
        positions, _ = segments.positions(index)
        paths = [data.videos("test")[video].paths[position] for position in positions]
        assert torch.equal(segments[index].features, stored.read(paths, mirrored=False))


def test_maps_that_are_there_are_kept_and_outdated_ones_made_anew(
    exit_status: Callable[..., int], prepared: Path, weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ("experiment=smoke", f"data.root={prepared}", *FROZEN, "data.module.features=maps")
    assert exit_status("store-features", *asked, weights) == 0
    made = (tmp_path / "maps" / "features.npy").stat().st_mtime_ns
    assert exit_status("store-features", *asked, weights) == 0
    assert (tmp_path / "maps" / "features.npy").stat().st_mtime_ns == made
    assert exit_status("store-features", *asked, "seed=4") == 0, "of other, random weights"
    assert (tmp_path / "maps" / "features.npy").stat().st_mtime_ns != made
    assert [path.name for path in tmp_path.iterdir()] == ["maps"]
    assert exit_status("store-features", "experiment=smoke", "data.root=nowhere") == 0, (
        "nothing to do without data.module.features"
    )


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["backbone.frozen=false"], r"data\.module\.features requires a frozen backbone: set backbone\.frozen=true"),
        (["data.module.jitter=[0.6,1.4]"], r"data\.module\.features excludes color jitter: set data\.module\.jitter=\[1,1\]"),
        (["data.module.features=nowhere"], r"no stored features in nowhere\. Write them with `mdhr store-features`"),
        (["data.crop_size=32"], r"are of another crop_size\. Write them"),
        (["backbone.weights=null"], r"are of another backbone\. Write them"),
    ],
)
def test_maps_that_do_not_fit_are_refused(
    smoke: Callable[..., DictConfig], weights: str, maps: str, overrides: list[str], line: str
) -> None:
    with pytest.raises(InputError, match=line):
        train(smoke(*FROZEN, weights, maps, *overrides))
