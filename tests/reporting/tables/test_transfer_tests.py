"""Tests of the comparison of networks in the transfer table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_rel
from sklearn.metrics import roc_auc_score

from mdhr.reporting.tables.transfer import write_transfer
from mdhr.reporting.tables.transfer_tests import transfer_tests
from tests.reporting.tables.test_transfer import transfer_runs


def two_networks(root: Path) -> pd.DataFrame:
    """Return runs of MDHR and of a network whose scores have noise."""
    runs = [transfer_runs(root / network).assign(network=network) for network in ("mdhr", "backbone_only")]
    rng = np.random.default_rng(0)
    for folder in runs[1]["folder"]:
        path = Path(folder) / "predictions.parquet"
        table = pd.read_parquet(path)
        scores = [column for column in table if column.startswith("score_")]
        table[scores] = 0.5 * table[scores] + 0.5 * rng.random(table[scores].shape)
        table.to_parquet(path, index=False)
    return pd.concat(runs, ignore_index=True)


def mean_auc(folder: str) -> dict[str, float]:
    """Return the mean over action units of each subject's AUC, computed by scikit-learn."""
    table = pd.read_parquet(Path(folder) / "predictions.parquet")
    aus = [column.removeprefix("score_") for column in table if column.startswith("score_")]
    return {
        str(subject): float(
            np.mean(
                [
                    roc_auc_score(own[f"label_{au}"], own[f"score_{au}"])
                    for au in aus
                    if own[f"label_{au}"].nunique() == 2
                ]
            )
        )
        for subject, own in table.groupby("subject")
    }


def test_subjects_are_paired_within_their_group(tmp_path: Path) -> None:
    runs = two_networks(tmp_path)
    tests = transfer_tests(runs, (1, 2)).set_index(["train_suffix", "tested_on"])
    assert tests["pairs"].tolist() == [8] * 4
    assert (tests["comparison"] == "mdhr vs backbone_only").all()
    values: dict[str, dict[str, float]] = {"mdhr": {}, "backbone_only": {}}
    for row in runs[runs["train_suffix"] == "-anny"].itertuples():
        values[row.network] |= {k: v for k, v in mean_auc(row.folder).items() if k.endswith("-ict")}
    first, second = ([*values[network].values()] for network in ("mdhr", "backbone_only"))
    expected = ttest_rel(first, second)
    assert tests.loc[("-anny", "ict"), "p"] == pytest.approx(expected.pvalue)
    assert tests.loc[("-anny", "ict"), "difference"] == pytest.approx(np.mean(first) - np.mean(second))
    assert (tests["p_holm"] >= tests["p"]).all()


@pytest.mark.parametrize("network", ["mdhr", "backbone_only"])
def test_one_network_has_no_comparison(tmp_path: Path, network: str) -> None:
    assert transfer_tests(transfer_runs(tmp_path).assign(network=network), (1, 2)).empty


def test_runs_without_a_partner_are_not_compared(tmp_path: Path) -> None:
    runs = two_networks(tmp_path)
    other_fold = runs[(runs["network"] == "mdhr") | (runs["fold"] == 2)]
    assert transfer_tests(other_fold, (1, 2))["pairs"].tolist() == [4] * 4
    assert transfer_tests(other_fold, (1,)).empty


def test_comparisons_are_in_the_table(tmp_path: Path) -> None:
    page = write_transfer(two_networks(tmp_path), tmp_path / "out", folds=(1, 2), command="make transfer").read_text()
    assert "| mdhr vs backbone_only | anny | ict | 8 |" in page
    assert len(pd.read_csv(tmp_path / "out" / "tests.csv")) == 4
