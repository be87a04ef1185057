"""Tests of the label report."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

import mdhr.reporting.label_report
from mdhr.action_units import DISFA
from mdhr.errors import InputError
from mdhr.reporting.label_report import write_label_report
from tests.support.paths import CONF

FILES = {f"{stem}.{kind}" for stem in ("label_distribution", "co_occurrence", "run_lengths") for kind in ("csv", "png")}


@pytest.fixture
def composed(tmp_path: Path) -> Callable[..., DictConfig]:
    def compose_with(*overrides: str) -> DictConfig:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return compose("label_figures", [f"out={tmp_path / 'out'}", *overrides])

    return compose_with


def test_figures_and_csv_are_written_for_a_prepared_data_set(
    composed: Callable[..., DictConfig], prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    returned = write_label_report(composed("data=prepared", f"data.module.source.root={prepared}"))
    out = tmp_path / "out"
    assert {file.name for file in out.iterdir()} == FILES
    assert all(cv2.imread(str(out / name)) is not None for name in FILES if name.endswith("png"))
    table = pd.read_parquet(prepared / "manifest.parquet")
    written = pd.read_csv(out / "label_distribution.csv")
    assert written["active"].tolist() == [(table[f"AU{au}"] == 1).sum() for au in written["au"]]
    assert written["unknown"].sum() == returned["unknown"].sum() > 0
    assert pd.read_csv(out / "co_occurrence.csv").shape == (12, 13)
    assert (pd.read_csv(out / "run_lengths.csv")["runs"] == written["runs"]).all()
    printed = capsys.readouterr().out
    assert f"{table.shape[0]} frames in 12 videos of 6 subjects" in printed
    assert "chin raiser" in printed
    assert "endered" not in printed, "noise is not rendered faces"


def test_label_lists_are_sufficient(composed: Callable[..., DictConfig], tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    values = np.random.default_rng(1).integers(0, 2, (30, 8))
    for split, subject, rows in (("train", "SN001", values[:20]), ("test", "SN002", values[20:])):
        (lists / f"DISFA_{split}_path_fold1.txt").write_text(
            "\n".join(f"{subject}/{subject}_{f}.png" for f in range(len(rows)))
        )
        np.savetxt(lists / f"DISFA_{split}_label_fold1.txt", rows, fmt="%d")
    cfg = composed(
        "data=released_lists", "data.au_set.name=DISFA", f"data.root={lists}", "data.module.source.list_folder=.",
        "data.module.source.image_folder=null",
    )  # fmt: skip
    assert write_label_report(cfg)["active"].tolist() == values.sum(0).tolist(), "training and test list together"


def test_rendered_data_is_prepared_once_and_named_rendered(
    composed: Callable[..., DictConfig],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cfg = composed("data=synthetic_disfa", f"data.root={tmp_path / 'faces'}")
    assert (cfg.data.prepare.num_subjects, cfg.data.prepare.num_tasks) == (27, 1)
    cfg.data.prepare.update({"num_subjects": 3, "num_frames": 4, "size": 32, "num_workers": 1})
    distribution = write_label_report(cfg)
    assert distribution["au"].tolist() == list(DISFA.aus)
    assert (distribution["active"] + distribution["inactive"] == 12).all()
    assert "synthetic_disfa (rendered faces)" in capsys.readouterr().out

    def never(cfg: DictConfig) -> None:
        raise AssertionError("prepared twice")

    monkeypatch.setattr(mdhr.reporting.label_report, "prepare", never)
    assert write_label_report(cfg).equals(distribution)


def test_missing_data_and_unwritable_folder_raise(
    composed: Callable[..., DictConfig], prepared: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="contains no prepared data set"):
        write_label_report(composed("data=prepared", f"data.module.source.root={tmp_path / 'nothing'}"))
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match=r"^out=.*out cannot be written: .*Set out to another folder"):
        write_label_report(composed("data=prepared", f"data.module.source.root={prepared}"))
