"""Cross-validation: one table, resuming, and one-line messages for wrong settings."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hydra.core.global_hydra import GlobalHydra
from lightning.pytorch import Trainer
from omegaconf import DictConfig
from sklearn.metrics import f1_score, roc_auc_score

import mdhr.training.cross_validation
from mdhr.__main__ import main
from mdhr.action_units import BP4D
from mdhr.config.signals import Interrupted
from mdhr.data.prepared.manifest import read_manifest, write_manifest
from mdhr.errors import DivergedError, InputError
from mdhr.reporting.cross_validation_table import cross_validate
from mdhr.training.callbacks.last_checkpoint import LastCheckpoint
from mdhr.training.training_run import train

EPOCHS = "trainer.max_epochs=2"
Compose = Callable[..., DictConfig]


@pytest.fixture(scope="module")
def compose_folds(compose_smoke: Compose) -> Compose:
    def folds_in(run: Path, *overrides: str) -> DictConfig:
        return compose_smoke(run, EPOCHS, *overrides, config_name="cross_validate")

    return folds_in


@pytest.fixture(scope="module")
def unbroken(compose_folds: Compose, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three folds without interruption."""
    run = tmp_path_factory.mktemp("folds") / "run"
    cross_validate(compose_folds(run))
    return run


@pytest.fixture
def run(unbroken: Path, tmp_path: Path) -> Path:
    """A copy of the folds."""
    shutil.copytree(unbroken, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trainer, "fit", lambda *_, **__: pytest.fail("trained although nothing was left to do"))


def test_the_table_agrees_with_sklearn(unbroken: Path) -> None:
    table = pd.read_csv(unbroken / "table.csv", index_col="row")
    f1, auc = np.empty((12, 3)), np.empty((12, 3))
    for fold in (1, 2, 3):
        predictions = pd.read_parquet(unbroken / f"fold{fold}" / "predictions.parquet")
        assert set(predictions["subject"]) == {f"F00{fold}", f"M00{fold}"}
        for n, au in enumerate(BP4D.columns):
            valid = predictions[predictions[f"label_{au}"] != -1]
            f1[n, fold - 1] = f1_score(valid[f"label_{au}"], valid[f"score_{au}"] >= 0.5)
            auc[n, fold - 1] = roc_auc_score(valid[f"label_{au}"], valid[f"score_{au}"])
    assert f1.max() > 0
    np.testing.assert_allclose(table.loc[list(BP4D.columns), ["fold 1", "fold 2", "fold 3"]], 100 * f1)
    np.testing.assert_allclose(table.loc[list(BP4D.columns), "mean"], 100 * f1.mean(1))
    assert table.loc["mean F1", "mean"] == pytest.approx(100 * f1.mean(0).mean())
    assert table.loc["mean AUC", "mean"] == pytest.approx(100 * auc.mean(0).mean())
    assert "paper" not in table, "rendered faces"
    assert (set(table["data"]), set(table["protocol"]), set(table["seed"])) == ({"synthetic"}, {"honest"}, {1})
    page = (unbroken / "table.md").read_text()
    assert page.startswith("# smoke on synthetic, F1 in %: protocol honest, folds 1, 2, 3, seed 1\n")
    assert "not real people" in page
    assert not list(unbroken.rglob(".mdhr*"))


def test_a_fold_is_the_same_run_as_it_is_alone(unbroken: Path, compose_smoke: Compose, tmp_path: Path) -> None:
    train(compose_smoke(tmp_path / "alone", EPOCHS, "data.fold=2"))
    alone, among = (
        pd.read_parquet(folder / "predictions.parquet") for folder in (tmp_path / "alone", unbroken / "fold2")
    )
    pd.testing.assert_frame_equal(alone, among)


@pytest.mark.usefixtures("no_training")
def test_complete_folds_are_not_repeated_after_a_move(run: Path, compose_folds: Compose) -> None:
    before = (run / "table.csv").read_bytes()
    (run / "table.csv").unlink()
    cross_validate(compose_folds(run, "data.module.num_workers=1", "logger=none"))
    assert (run / "table.csv").read_bytes() == before
    assert list(cross_validate(compose_folds(run, "folds=[3,1]")).columns) == ["fold 1", "fold 3", "mean"]


def test_an_interrupted_fold_resumes_and_the_table_is_the_same(
    unbroken: Path, run: Path, compose_folds: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(run / "fold2")
    shutil.rmtree(run / "fold3")
    with monkeypatch.context() as patch:
        complete_epoch = LastCheckpoint.on_train_epoch_end

        def then_signal(*arguments: Any) -> None:
            complete_epoch(*arguments)
            os.kill(os.getpid(), signal.SIGTERM)

        patch.setattr(LastCheckpoint, "on_train_epoch_end", then_signal)
        with pytest.raises(Interrupted) as stopped:
            cross_validate(compose_folds(run))
    assert stopped.value.message == "stopped by SIGTERM; the same command resumes"
    assert not (run / "fold3").exists()
    cross_validate(compose_folds(run))
    first, second = (
        pd.read_csv(file).dropna(subset="train/loss_step") for file in sorted(run.glob("fold2/csv/*/*.csv"))
    )
    assert (set(first["epoch"]), set(second["epoch"])) == ({0}, {1}), "no epoch was trained twice"
    assert (run / "table.csv").read_bytes() == (unbroken / "table.csv").read_bytes()


@pytest.mark.usefixtures("no_training")
def test_other_settings_are_refused_before_any_fold_is_run(run: Path, compose_folds: Compose) -> None:
    shutil.rmtree(run / "fold1")
    with pytest.raises(
        InputError, match=r"fold2 was started with network\.temporal_radius=2, not 1\. Pass name="
    ) as raised:
        cross_validate(compose_folds(run, "network.temporal_radius=1"))
    assert "\n" not in str(raised.value)
    assert not (run / "fold1").exists()


def _record_without_training(cfg: DictConfig) -> dict[str, Any]:
    """Record of a run without training; fold 2 diverges with seed 13."""
    if cfg.data.fold == 2 and cfg.seed == 13:
        raise DivergedError("the loss became nan in epoch 1, batch 0")
    f1 = dict.fromkeys(BP4D.columns, 0.5 + cfg.data.fold / 100)
    means = dict.fromkeys(("f1_mean", "auc_mean", "accuracy_mean", "baseline_f1_mean"), 0.5)
    return {**cfg.data, "au_set": "BP4D", "data": cfg.data.name, "seed": cfg.seed, "threshold": 0.5, "f1": f1, **means}


def test_a_fold_that_diverges_is_missing_from_the_table_and_the_others_run(
    tmp_path: Path, compose_folds: Compose, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mdhr.training.cross_validation, "train", _record_without_training)
    with pytest.raises(DivergedError, match=r"^fold 2 diverged and is missing from .*table\.md$"):
        cross_validate(compose_folds(tmp_path, "seed=13"))
    assert capsys.readouterr().err == f"{tmp_path}/fold2: the loss became nan in epoch 1, batch 0\n"
    table = pd.read_csv(tmp_path / "table.csv", index_col="row")
    assert table["fold 2"].isna().all()
    assert table.loc["AU4", "mean"] == pytest.approx(52)
    assert "- INCOMPLETE: no result for fold 2; means are over 2 of 3 folds" in (tmp_path / "table.md").read_text()
    with pytest.raises(DivergedError, match="training diverged in every fold"):
        cross_validate(compose_folds(tmp_path, "seed=13", "folds=[2]"))


ROW = "paper_row={table:f1_bp4d,name:'MDHR (ResNet-50)'}"


def test_the_row_of_the_paper_is_shown_for_real_faces_only(
    tmp_path: Path, compose_folds: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mdhr.training.cross_validation, "train", _record_without_training)
    table = cross_validate(compose_folds(tmp_path, ROW, "data.name=bp4d"))
    assert table.loc["AU24", ["mean", "paper", "difference"]].tolist() == pytest.approx([52, 59.3, -7.3])
    assert "paper" not in cross_validate(compose_folds(tmp_path, ROW, "data.name=synthetic_bp4d"))


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("data.fold=2", r"^data\.fold=2: cross-validation sets the fold\. Set folds=\[2\]\.$"),
        ("folds=[1,1]", r"^folds=\[1, 1\]: should name each fold once$"),
        ("folds=2", r"^folds=2: should be a valid list$"),
        ("folds=[0]", r"^folds\.0=0: should be greater than or equal to 1$"),
        ("folds=[2,4]", r"^folds=\[2, 4\]: synthetic has no fold 4, only 1, 2, 3\.$"),
        ("ckpt_path=last", "^ckpt_path=last: incomplete folds resume automatically"),
        ("data.protocol=lucky", r"^data\.protocol=lucky: should be 'honest' or 'paper'$"),
    ],
)
def test_a_wrong_setting_is_one_line(tmp_path: Path, compose_folds: Compose, override: str, line: str) -> None:
    with pytest.raises(InputError, match=line):
        cross_validate(compose_folds(tmp_path / "run", override))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("overrides", "status", "line"),
    [
        (["experiment=smoke", "seed=13"], 1, "fold 2 diverged"),
        (["experiment=smoke", "data.root=nowhere"], 2, "data.root: nowhere contains no prepared data set"),
        ([], 2, "You must specify 'experiment'"),
    ],
    ids=["diverged", "no-data", "no-experiment"],
)
def test_exit_status(
    overrides: list[str],
    status: int,
    line: str,
    tmp_path: Path,
    prepared: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if "seed=13" in overrides:
        overrides = [*overrides, f"data.root={prepared}"]
        monkeypatch.setattr(mdhr.training.cross_validation, "train", _record_without_training)
    GlobalHydra.instance().clear()
    with pytest.raises(SystemExit) as stopped:
        main(["cross-validate", *overrides])
    assert stopped.value.code == status
    lines = capfd.readouterr().err.splitlines()
    assert line in lines[-1]
    assert len(lines) == (2 if status == 1 else 1)
    assert (tmp_path / "runs" / "smoke-honest-seed13" / "table.md").is_file() == (status == 1)


def test_a_record_contains_its_fold(unbroken: Path) -> None:
    for fold in (1, 2, 3):
        record = json.loads((unbroken / f"fold{fold}" / "metrics.json").read_text())
        assert (record["fold"], record["name"]) == (fold, f"smoke-fold{fold}")


def test_the_folds_are_those_of_the_data(
    tmp_path: Path, compose_folds: Compose, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = read_manifest(prepared)
    subjects = sorted(set(manifest.table["subject"]))
    write_manifest(
        tmp_path / "data",
        manifest.table,
        name=manifest.name,
        au_set=manifest.au_set,
        fps=manifest.fps,
        size=manifest.size,
        folds={fold: [subject] for fold, subject in enumerate(subjects, start=1)},
        settings={},
    )
    monkeypatch.setattr(mdhr.training.cross_validation, "train", _record_without_training)
    table = cross_validate(compose_folds(tmp_path / "run", f"data.root={tmp_path / 'data'}"))
    assert len(subjects) == 6
    assert list(table.columns) == [*(f"fold {fold}" for fold in range(1, 7)), "mean"]
