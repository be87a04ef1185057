"""Tests of the transfer table."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from mdhr.errors import InputError
from mdhr.reporting.people_metrics import subject_group
from mdhr.reporting.tables.transfer import transfer_table, write_transfer
from tests.support.fake_runs import fake_run

SKILL = {"-anny": {"anny": 0.9, "ict": 0.6}, "": {"anny": 0.9, "ict": 0.9}}
"""Accuracy of the networks trained on subjects with a suffix, by tested group."""


def transfer_runs(root: Path, *, folds: tuple[int, ...] = (1, 2)) -> pd.DataFrame:
    """Return runs tested on four people of each head model per fold."""
    rows = []
    for suffix, by_group in SKILL.items():
        for fold in folds:
            folder = root / f"mdhr{suffix}-{fold}"
            tables = []
            for group, skill in by_group.items():
                row = fake_run(folder / group, skill=skill, fold=fold, seed=1)
                table = pd.read_parquet(folder / group / "predictions.parquet")
                tables.append(table.assign(subject=table["subject"] + f"-{group}"))
            pd.concat(tables).to_parquet(folder / "predictions.parquet", index=False)
            recipe = f'{{"data.module.train_suffix": "{suffix}"}}'
            same = {"data": "synthetic_general", "protocol": "honest", "network": "mdhr", "k": 5, "region_weight": 0.01}
            rows.append({**row, **same, "train_suffix": suffix, "folder": str(folder), "recipe": recipe})
    return pd.DataFrame(rows)


def test_every_training_group_is_tested_on_every_group(tmp_path: Path) -> None:
    table = transfer_table(transfer_runs(tmp_path), (1, 2)).set_index(["trained_on", "tested_on"])
    assert table["people"].tolist() == [8] * 4
    assert table.loc[("anny", "anny"), "auc"] > table.loc[("anny", "ict"), "auc"] + 0.1
    assert table.loc[("all", "ict"), "auc"] > table.loc[("anny", "ict"), "auc"] + 0.1
    assert (table["auc_low"] < table["auc"]).all()
    assert (table["auc"] < table["auc_high"]).all()
    assert table.loc[("all", "ict"), "f1_gain"] == pytest.approx(
        table.loc[("all", "ict"), "f1"] - table.loc[("all", "ict"), "always_positive_f1"]
    )


def test_files_of_the_table(tmp_path: Path) -> None:
    runs = transfer_runs(tmp_path)
    page = write_transfer(runs, tmp_path / "out", folds=(1, 2), command="make transfer").read_text()
    assert "| mdhr | anny | ict | training | 8 |" in page
    assert "rendered faces, not real people" in page
    assert "INCOMPLETE" not in page
    assert len(pd.read_csv(tmp_path / "out" / "table.csv")) == 4


def test_adapted_evaluations_of_all_runs_are_a_row(tmp_path: Path) -> None:
    runs = transfer_runs(tmp_path)
    for folder in runs.loc[runs["train_suffix"] == "-anny", "folder"]:
        shutil.copytree(Path(folder) / "anny", Path(folder) / "adapted-ict")  # the accuracy of the other group
        path = Path(folder) / "adapted-ict" / "predictions.parquet"
        table = pd.read_parquet(path)
        table.assign(subject=table["subject"] + "-ict").to_parquet(path, index=False)
        (path.parent / "metrics.json").write_text("{}")
    table = transfer_table(runs, (1, 2)).set_index(["trained_on", "tested_on", "statistics"])
    assert len(table) == 5
    adapted, plain, own = (
        table.loc[key, "auc"]
        for key in (("anny", "ict", "tested people"), ("anny", "ict", "training"), ("anny", "anny", "training"))
    )
    assert adapted == own > plain + 0.1


def test_missing_runs_are_named(tmp_path: Path) -> None:
    runs = transfer_runs(tmp_path).iloc[:-1]
    page = write_transfer(runs, tmp_path / "out", folds=(1, 2), command="make transfer").read_text()
    assert "INCOMPLETE: mdhr trained on all (1 of 2 runs)" in page
    with pytest.raises(InputError, match="no network of the transfer table has runs of all folds"):
        write_transfer(runs, tmp_path / "out", folds=(1, 2, 3), command="make transfer")


def test_runs_of_different_recipes_are_refused(tmp_path: Path) -> None:
    runs = transfer_runs(tmp_path)
    runs.loc[0, "recipe"] = '{"data.module.train_suffix": "-anny", "module.learning_rate": 1}'
    with pytest.raises(InputError, match=r"module\.learning_rate=1"):
        write_transfer(runs, tmp_path / "out", folds=(1, 2), command="make transfer")


@pytest.mark.parametrize(("subject", "group"), [("S02-ict", "ict"), ("F001", "all")])
def test_group_of_a_subject(subject: str, group: str) -> None:
    assert subject_group(subject) == group
