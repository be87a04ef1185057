"""The commands of docs/own_data.md on rendered videos, and the labels of every format of codes."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mdhr.__main__ import main
from mdhr.action_units import ActionUnitSet, action_unit_set
from mdhr.data.faces.detection import FaceDetector
from mdhr.data.prepared.manifest import KEY, read_manifest
from mdhr.data.releases.coded_videos import CodedVideosRelease
from mdhr.data.releases.preparation import Preparation
from mdhr.synthetic.code_files import CODE_FORMATS
from mdhr.synthetic.coded_videos import CodedVideos
from tests.support.paths import ROOT

AUS = (1, 2, 4, 6, 9, 12, 17, 25, 45)
SMALL = {
    "render-videos": ["--num-subjects=6", "--videos-per-subject=1", "--num-frames=48", "--size=128", "--num-workers=1"],
    "prepare": ["data.prepare.num_workers=1", "data.prepare.size=64"],
    "train": ["trainer.max_epochs=1", "trainer.check_val_every_n_epoch=1", "data.crop_size=64",
              "data.module.clips_per_video=1"],
}  # fmt: skip
"""Arguments that shorten the commands of the page."""


@pytest.fixture(scope="module")
def au_set() -> ActionUnitSet:
    return action_unit_set("own", AUS)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("coded")
    CodedVideos(
        out=folder / "videos", codes=folder / "codes", formats=tuple(CODE_FORMATS), aus=AUS, num_subjects=6,
        videos_per_subject=1, num_frames=20, size=96, fps=25.0, seed=0, num_workers=1,
    ).run()  # fmt: skip
    return folder


@pytest.mark.parametrize("name", CODE_FORMATS)
def test_prepared_labels_equal_the_known_labels_on_every_frame(
    rendered: Path, au_set: ActionUnitSet, tmp_path: Path, name: str
) -> None:
    release = CodedVideosRelease(root=rendered / "videos", labels=str(rendered / "codes" / name), au_set=au_set)
    Preparation(
        root=tmp_path / "prepared", name="own", release=release, detector=FaceDetector(), size=64, fill=0.74,
        smoothing=0.2, quality=90, num_workers=1,
    ).run()  # fmt: skip
    prepared = read_manifest(tmp_path / "prepared", au_set=au_set).table.sort_values(KEY, ignore_index=True)
    truth = pd.read_parquet(rendered / "codes/truth.parquet").sort_values(KEY, ignore_index=True)
    assert prepared["subject"].tolist() == truth["subject"].tolist()
    assert prepared["frame"].tolist() == truth["frame"].tolist()
    columns = list(au_set.columns)
    np.testing.assert_array_equal(prepared[columns], truth[columns])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs/own_data.md").read_text()
    section = page.partition("## Six commands")[2].partition("\n## ")[0]
    commands = [shlex.split(line)[1:] for line in re.findall(r"^mdhr .*$", section, flags=re.M)]
    names = [command for command, *_ in commands]
    assert names == ["render-videos", "prepare", "prepare", "train", "evaluate", "predict", "agreement"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments").symlink_to(ROOT / "experiments")
    for command in commands:
        assert main([*command, *SMALL.get(command[0], [])]) == 0, command
    assert {path.suffix for path in (tmp_path / "runs/own_data/scores").iterdir()} >= {".eaf", ".csv"}
    agreement = pd.read_csv(tmp_path / "runs/own_data/agreement/agreement.csv")
    assert {f"AU{au}" for au in AUS} <= set(agreement.iloc[:, 0])
