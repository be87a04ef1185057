"""Tests of the ablation table: means and t-tests against plain loops, notes about missing runs."""

from functools import partial
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_rel

from mdhr.action_units import BP4D
from mdhr.errors import InputError
from mdhr.reporting.tables.ablation import ABLATION
from mdhr.reporting.tables.comparison import comparison_table, comparison_tests
from mdhr.reporting.tables.comparison_files import write_comparison
from tests.support.fake_runs import fake_run

VARIANTS = ABLATION.variants
table_6 = partial(comparison_table, comparison=ABLATION)
paired_tests = partial(comparison_tests, comparison=ABLATION)
write_table_6 = partial(write_comparison, comparison=ABLATION)
SKILL = dict(zip(VARIANTS, (0.6, 0.65, 0.7, 0.8, 0.79, 0.74), strict=True))
FOLDS, SEEDS = (1, 2), (1, 2)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Six variants, two folds, two seeds; and a run with another k, which belongs to Table 3."""
    root = tmp_path_factory.mktemp("study")
    rows = []
    for name, (network, weight) in {**VARIANTS, "other k": ("mdhr", 0.01)}.items():
        settings = {"data": "synthetic", "protocol": "honest", "network": network, "region_weight": weight}
        for fold in FOLDS:
            for seed in SEEDS:
                made = fake_run(root / f"{name}-{fold}-{seed}", skill=SKILL.get(name, 0.99), fold=fold, seed=seed)
                rows.append({**settings, "k": 5 if name in VARIANTS else 3, **made})
    return pd.DataFrame(rows).sample(frac=1, random_state=0, ignore_index=True)


@pytest.fixture(scope="module")
def tests(runs: pd.DataFrame) -> pd.DataFrame:
    return paired_tests(runs)


def f1_of_subjects(runs: pd.DataFrame, first: str, second: str) -> np.ndarray:
    """``(subjects, 2)``, in plain loops."""
    values: dict[str, list[list[float]]] = {}
    root = Path(runs["folder"][0]).parent
    for fold, seed in product(FOLDS, SEEDS):
        tables = [pd.read_parquet(root / f"{name}-{fold}-{seed}" / "predictions.parquet") for name in (first, second)]
        for subject in tables[0]["subject"].unique():
            own = [table[table["subject"] == subject] for table in tables]
            cells = [[f1(table[f"label_{au}"], table[f"score_{au}"]) for table in own] for au in BP4D.columns]
            defined = [pair for pair in cells if None not in pair]
            values.setdefault(subject, []).append(np.mean(defined, axis=0).tolist())
    return np.array([np.mean(of_seeds, axis=0) for of_seeds in values.values()])


def f1(labels: pd.Series, scores: pd.Series) -> float | None:
    pairs = [(label == 1, score >= 0.5) for label, score in zip(labels, scores, strict=True)]
    right, positive = sum(a and b for a, b in pairs), sum(a + b for a, b in pairs)
    return 2 * right / positive if positive else None


def test_means_are_over_runs_with_k_5(runs: pd.DataFrame) -> None:
    table = table_6(runs, FOLDS)
    assert table.index.tolist() == list(VARIANTS)
    own = runs[(runs["network"] == "mdhr") & (runs["region_weight"] == 0) & (runs["k"] == 5)]
    row = table.loc["MDHR without auxiliary loss"]
    assert (row["seeds"], row["runs"]) == (2, 4)
    assert row["f1_mean"] == pytest.approx(own["f1_mean"].mean())
    assert row["f1_AU4"] == pytest.approx(own["f1_AU4"].mean())
    means = [own.loc[own["seed"] == seed, "f1_mean"].mean() for seed in SEEDS]
    assert row["f1_sd"] == pytest.approx(np.std(means, ddof=1))
    means = [own.loc[own["seed"] == seed, "f1_AU4"].mean() for seed in SEEDS]
    assert row["sd_AU4"] == pytest.approx(np.std(means, ddof=1))


def test_subjects_are_paired_and_averaged_over_seeds(runs: pd.DataFrame, tests: pd.DataFrame) -> None:
    by_name = tests.set_index(["comparison", "unit"])
    found = by_name.loc["MDHR vs Backbone+HSR", "subjects"]
    values = f1_of_subjects(runs, "MDHR", "Backbone+HSR")
    expected = ttest_rel(values[:, 0], values[:, 1])
    assert found["pairs"] == 8
    assert (found["t"], found["p"]) == pytest.approx(tuple(expected))
    assert found["difference"] == pytest.approx(np.diff(values[:, ::-1]).mean())
    assert found["paper_p"] == 1.53e-2
    aus = by_name.loc["MDHR vs Backbone+HSR", "action units"]
    columns = [f"f1_{column}" for column in BP4D.columns]
    k_5 = runs[(runs["k"] == 5) & (runs["region_weight"] == 0.01)]
    means = [k_5.loc[k_5["network"] == name, columns].mean() for name in ("mdhr", "backbone_hsr")]
    assert aus["pairs"] == 12
    assert aus["p"] == pytest.approx(ttest_rel(*means).pvalue)


def test_holm_adjusts_over_the_comparisons_of_one_unit(tests: pd.DataFrame) -> None:
    own = tests[tests["unit"] == "subjects"]
    assert len(own) == 7
    assert own["p_holm"].min() == pytest.approx(7 * own["p"].min())
    assert own["paper_p"].notna().sum() == 5


@pytest.mark.slow
def test_all_files_are_written_with_provenance(runs: pd.DataFrame, tmp_path: Path) -> None:
    page = write_table_6(runs, tmp_path / "out", folds=FOLDS, command="make table-6").read_text()
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "table.csv", "tests.csv", "table.md", "table.tex", "au_bars.png"}  # fmt: skip
    for expected_text in (
        "honest",
        "rendered faces, not real people",
        "0123456789",
        "`make table-6`",
        "| 0.00775 |",
        "| 6.76e-06 |",
        "folds 1, 2",
    ):
        assert expected_text in page
    assert "INCOMPLETE" not in page
    written = pd.read_csv(tmp_path / "out/table.csv", index_col="variant")
    assert written["f1_mean"].tolist() == pytest.approx(table_6(runs, FOLDS)["f1_mean"].tolist())
    latex = (tmp_path / "out/table.tex").read_text()
    assert latex.count(r"\toprule") == 2
    assert r"95 \% interval" in latex
    assert r"$\pm$" in latex
    assert cv2.imread(str(tmp_path / "out/au_bars.png")).shape[1] == 1400


@pytest.mark.slow
def test_missing_variants_are_noted_and_the_rest_is_compared(runs: pd.DataFrame, tmp_path: Path) -> None:
    some = runs[(runs["network"] != "backbone_mfd") & ~((runs["network"] == "backbone_only") & (runs["fold"] == 2))]
    page = write_table_6(some, tmp_path, folds=FOLDS, command="none").read_text()
    assert "INCOMPLETE: Backbone (2 of 4 runs), Backbone+MFD (0 of 4 runs)" in page
    assert page.count("no runs: Backbone+MFD") == 2
    assert "NaN" not in page
    assert pd.isna(pd.read_csv(tmp_path / "table.csv", index_col="variant").loc["Backbone", "f1_mean"])
    tests = pd.read_csv(tmp_path / "tests.csv").set_index(["comparison", "unit"])
    assert tests.loc[("MDHR vs Backbone", "subjects"), "pairs"] == 4
    assert tests.loc[("MDHR vs Backbone", "subjects"), "runs"] == 2


def test_equal_predictions_have_no_p(runs: pd.DataFrame, tmp_path: Path) -> None:
    own = runs[(runs["network"] == "mdhr") & (runs["region_weight"] == 0.01) & (runs["k"] == 5)]
    page = write_table_6(
        pd.concat([own, own.assign(network="mdhr_without_tcn")]), tmp_path, folds=FOLDS, command="none"
    ).read_text()
    assert "no difference in any of the 8 pairs" in page


def test_unsuitable_runs_raise(runs: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(
        InputError,
        match=r"was run with data.protocol=honest, .* with data.protocol=None. A table requires equal settings",
    ):
        table_6(pd.concat([runs.assign(recipe='{"data.protocol": "honest"}'), runs]))
    with pytest.raises(InputError, match=r"^no finished run for Table 6: expected runs with k=5 and network="):
        write_table_6(runs[runs["k"] == 3], tmp_path, folds=FOLDS, command="none")
    with pytest.raises(InputError, match=r"nowhere: predictions.parquet is missing. Delete the folder"):
        paired_tests(runs.assign(folder="nowhere"))


def test_runs_with_different_labels_raise(runs: pd.DataFrame) -> None:
    of_fold_2 = runs.set_index(["network", "region_weight", "k", "seed", "fold"])["folder"]
    other = of_fold_2["backbone_only", 0.01, 5, 1, 2]
    swapped = (runs["network"] == "backbone_only") & (runs["seed"] == 1) & (runs["fold"] == 1)
    with pytest.raises(InputError, match="were tested on different frames or labels"):
        paired_tests(runs.assign(folder=runs["folder"].where(~swapped, other)))
