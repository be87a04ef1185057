"""Tests of Tables 3 and 4 against means computed by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mdhr.errors import InputError
from mdhr.reporting.finished_runs import read_runs
from mdhr.reporting.tables.sweep import SWEEPS, sweep_table, write_sweep
from tests.support.fake_study import demo_settings, study_run

FOLDS = (1, 2, 3)


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return demo_settings()


@pytest.fixture
def runs(tmp_path: Path, settings: dict[str, Any]) -> pd.DataFrame:
    """k = 1 with three complete seeds, 2 with two and an incomplete one, 3 with an incomplete one; unrelated runs."""
    for fold in FOLDS:
        study_run(tmp_path, settings, k=1, fold=fold, seed=1, f1=0.50 + fold / 100)
        study_run(tmp_path, settings, k=1, fold=fold, seed=2, f1=0.54 + fold / 100)
        study_run(tmp_path, settings, k=1, fold=fold, seed=3, f1=0.10)
        study_run(tmp_path, settings, k=2, fold=fold, seed=1, f1=0.60)
        study_run(tmp_path, settings, k=2, fold=fold, seed=2, f1=0.60)
        study_run(tmp_path, settings, k=2, weight=0.1, fold=fold, seed=1, f1=0.99)
        study_run(tmp_path, settings, k=9, fold=fold, seed=1, f1=0.98)
    study_run(tmp_path, settings, k=2, fold=3, seed=3, f1=0.90)
    study_run(tmp_path, settings, k=3, fold=1, seed=1, f1=0.90)
    backbone = demo_settings("backbone_only")
    study_run(tmp_path / "backbone", backbone, k=4, fold=1, seed=1, f1=0.97, network="backbone_only")
    return read_runs(tmp_path)


def test_means_are_over_folds_then_over_common_seeds(runs: pd.DataFrame) -> None:
    table = sweep_table(runs, SWEEPS[3], FOLDS)
    assert table.index.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    # k 1: 0.52 and 0.56 over folds, and seed 3, which k 2 has not.
    np.testing.assert_allclose(table.loc[1, ["f1_mean", "f1_sd"]].astype(float), [0.54, 0.02 * np.sqrt(2)])
    assert table.loc[2, "f1_mean"] == pytest.approx(0.60), "one fold of seed 3 is not its mean"
    assert table.loc[2, "f1_AU1"] == pytest.approx(0.70)
    assert table.loc[2, "f1_sd"] == 0
    assert table["seeds"].tolist() == [2, 2, 0, 0, 0, 0, 0, 0]
    assert table["runs"].tolist() == [9, 7, 1, 0, 0, 0, 0, 0]
    assert table.loc[3:, ["f1_mean", "f1_AU1"]].isna().all(axis=None)
    assert sweep_table(runs, SWEEPS[3], (1,)).loc[3, "f1_mean"] == pytest.approx(0.90)
    np.testing.assert_allclose(table["paper_f1"], [0.658, 0.657, 0.662, 0.659, 0.666, 0.665, 0.658, 0.659])


def test_seed_of_a_single_value_only_measures_noise(tmp_path: Path, settings: dict[str, Any]) -> None:
    for fold in FOLDS:
        study_run(tmp_path, settings, k=1, fold=fold, seed=1, f1=0.60)
        study_run(tmp_path, settings, k=5, fold=fold, seed=1, f1=0.61)
        study_run(tmp_path, settings, k=5, fold=fold, seed=2, f1=0.55)
    page = write_sweep(read_runs(tmp_path), tmp_path / "out", sweep=SWEEPS[3], folds=FOLDS, command="make table-3")
    text = page.read_text()
    assert "| 5 | 61.0 | 1 | 6 | 66.6 |" in text
    assert "the range is 1.0 points; standard deviation over seeds: 4.2 points (k = 5)" in text


def test_lambda_sweep_uses_k_5(tmp_path: Path, settings: dict[str, Any]) -> None:
    for fold in FOLDS:
        study_run(tmp_path, settings, weight=0, fold=fold, seed=1, f1=0.4)
        study_run(tmp_path, settings, weight=0.0001, fold=fold, seed=1, f1=0.5)
        study_run(tmp_path, settings, weight=0.5, k=4, fold=fold, seed=1, f1=0.6)
    table = sweep_table(read_runs(tmp_path), SWEEPS[4], FOLDS)
    assert table.index.tolist() == [0, 0.0001, 0.001, 0.01, 0.05, 0.1, 0.2, 0.5]
    assert table.loc[[0, 0.0001], "f1_mean"].tolist() == pytest.approx([0.4, 0.5])
    assert table["runs"].sum() == 6


def test_files_contain_numbers_and_notes(runs: pd.DataFrame, tmp_path: Path) -> None:
    page = write_sweep(runs, tmp_path / "out", sweep=SWEEPS[3], folds=FOLDS, command="make table-3")
    text = page.read_text()
    assert "| 1 | 54.0 ± 2.8 | 2 | 9 | 65.8 |" in text
    assert "| 3 | - | 0 | 1 | 66.2 |" in text
    for expected_text in ("INCOMPLETE: no seed has all folds for k = 3, 4, 5, 6, 7, 8", "not real people", "protocol honest",
                 "folds 1, 2, 3", "over the seeds that all values have (1, 2)",
                 "ababababab-dirty", "command: `make table-3`", "lambda = 0.01",
                 "ours: the best k is 2 and the range is 6.0 points", "its best k is 5 and its range is 0.9"):  # fmt: skip
        assert expected_text in text
    saved = pd.read_csv(tmp_path / "out" / "table.csv", index_col="k")
    assert saved.loc[1, ["data", "protocol", "folds"]].tolist() == ["synthetic_demo", "honest", "1 2 3"]
    pd.testing.assert_frame_equal(saved.iloc[:, :5], sweep_table(runs, SWEEPS[3], FOLDS).iloc[:, :5])
    latex = (tmp_path / "out" / "table.tex").read_text()
    assert r"1 & 54.0 $\pm$ 2.8 & 2 & 9 & 65.8 \\" in latex
    with Image.open(tmp_path / "out" / "curve.png") as picture:
        assert picture.size == (1200, 440)
        assert len(picture.convert("RGB").getcolors(maxcolors=100_000)) > 20


def test_missing_runs_raise(runs: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"^no finished run for Table 4: expected runs with network=mdhr, k=5. Run `make table-4`"
    ):
        write_sweep(runs, tmp_path / "out", sweep=SWEEPS[4], folds=FOLDS, command="make table-4")
    assert not (tmp_path / "out").exists()
