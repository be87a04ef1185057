"""Training on the stored feature maps of a frozen backbone equals training on frames."""

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
    """Setting of a file with the weights of the backbone."""
    folder = tmp_path_factory.mktemp("backbone")
    torch.manual_seed(0)
    model = instantiate(compose_smoke(folder).backbone, _convert_="all").model
    torch.save(model.state_dict(), folder / "backbone.pt")
    return f"backbone.weights={folder / 'backbone.pt'}"


@pytest.fixture(scope="module")
def features(compose_smoke: Callable[..., DictConfig], weights: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Setting of a folder with the stored feature maps of the prepared data set."""
    setting = f"data.module.features={tmp_path_factory.mktemp('stored') / 'features'}"
    store_features(compose_smoke(Path("unused"), *FROZEN, weights, setting))
    return setting


def test_every_frame_is_stored_unchanged_and_mirrored(
    smoke: Callable[..., DictConfig], prepared: Path, weights: str, features: str
) -> None:
    manifest = read_manifest(prepared)
    stored = StoredFeatures(features.partition("=")[2], manifest=manifest, crop_size=64)
    backbone = instantiate(smoke(*FROZEN, weights).backbone, _convert_="all").eval()
    video = manifest.videos()[3]
    paths = video.paths[::-2]
    frames = resize(torch.from_numpy(np.stack([read_frame(path, 72) for path in paths])).movedim(-1, 1), 64)
    for mirrored in (False, True):
        expected_frames = normalize(frames.flip(-1) if mirrored else frames)
        for ours, theirs in zip(
            backbone.unpack(stored.read(paths, mirrored=mirrored)).scales, backbone(expected_frames).scales, strict=True
        ):
            assert ours.is_contiguous(memory_format=torch.channels_last)
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


def test_network_trained_on_feature_maps_gives_the_same_scores_for_frames(
    smoke: Callable[..., DictConfig],
    compose_evaluation: Callable[..., DictConfig],
    weights: str,
    features: str,
    tmp_path: Path,
) -> None:
    train(smoke(*FROZEN, weights, features))
    on_features = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    evaluate(compose_evaluation(tmp_path / "run", "data.module.features=null"))
    on_frames = pd.read_parquet(tmp_path / "run" / "evaluation" / "predictions.parquet")
    scores = [column for column in on_features if column.startswith("score")]
    assert len(scores) == 12
    np.testing.assert_allclose(on_features[scores], on_frames[scores], atol=2e-3)


def test_dropped_frames_do_not_shift_the_others(
    smoke: Callable[..., DictConfig], prepared: Path, features: str, tmp_path: Path
) -> None:
    (tmp_path / "dropped.yaml").write_text("F001/T1: [0, 4]\nM001/T2: [1]\n")
    drop = f"data.module.drop_list={tmp_path / 'dropped.yaml'}"
    data = instantiate(smoke(*FROZEN, features, drop).data.module, _convert_="all")
    stored = StoredFeatures(features.partition("=")[2], manifest=read_manifest(prepared), crop_size=64)
    segments = data.test_dataloader().dataset
    for index, (video, _) in enumerate(segments.segments):
        positions, _ = segments.positions(index)
        paths = [data.videos("test")[video].paths[position] for position in positions]
        assert torch.equal(segments[index].features, stored.read(paths, mirrored=False))


def test_up_to_date_feature_maps_are_kept_and_outdated_ones_replaced(
    exit_status: Callable[..., int], prepared: Path, weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    overrides = ("experiment=smoke", f"data.root={prepared}", *FROZEN, "data.module.features=features")
    assert exit_status("store-features", *overrides, weights) == 0
    written = (tmp_path / "features" / "features.npy").stat().st_mtime_ns
    assert exit_status("store-features", *overrides, weights) == 0
    assert (tmp_path / "features" / "features.npy").stat().st_mtime_ns == written
    assert exit_status("store-features", *overrides, "seed=4") == 0, "other random weights"
    assert (tmp_path / "features" / "features.npy").stat().st_mtime_ns != written
    assert [path.name for path in tmp_path.iterdir()] == ["features"]
    assert exit_status("store-features", "experiment=smoke", "data.root=nowhere") == 0, (
        "nothing is stored without data.module.features"
    )


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["backbone.frozen=false"], r"data\.module\.features requires a frozen backbone: set backbone\.frozen=true"),
        (
            ["data.module.jitter=[0.6,1.4]"],
            r"data\.module\.features excludes color jitter: set data\.module\.jitter=\[1,1\]",
        ),
        (
            ["data.module.features=nowhere"],
            r"data\.module\.features=nowhere: there are no stored features.* Write them with `mdhr store-features`",
        ),
        (["data.crop_size=32"], r"are of another crop_size\. Write them"),
        (["backbone.weights=null"], r"are of another backbone\. Write them"),
    ],
)
def test_feature_maps_of_other_settings_are_refused(
    smoke: Callable[..., DictConfig], weights: str, features: str, overrides: list[str], line: str
) -> None:
    with pytest.raises(InputError, match=line):
        train(smoke(*FROZEN, weights, features, *overrides))
