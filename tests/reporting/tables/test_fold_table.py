"""Tests of the cross-validation table against plain NumPy."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from mdhr.action_units import BP4D, DISFA
from mdhr.errors import InputError
from mdhr.reporting.paper_results import paper_results, paper_row
from mdhr.reporting.tables.fold_table import as_markdown, as_terminal_table, fold_notes, fold_table, fold_title

F1 = np.random.default_rng(0).uniform(0.3, 0.9, (3, 12))
PAPER = paper_row("f1_bp4d", "MDHR (ResNet-50)", columns=BP4D.columns)


def record(fold: int, **changed: Any) -> dict[str, Any]:
    """Return the keys of ``metrics.json`` that the table reads."""
    f1 = F1[fold - 1]
    return {
        "data": "bp4d",
        "au_set": "BP4D",
        "protocol": "honest",
        "fold": fold,
        "seed": 3,
        "threshold": 0.5,
        "f1": dict(zip(BP4D.columns, f1.tolist(), strict=True)),
        "f1_mean": f1.mean(),
        "baseline_f1_mean": 0.5,
        "auc_mean": 0.8 + fold / 100,
        "accuracy_mean": 0.7,
    } | changed


def test_values_are_percent_and_means_are_over_folds() -> None:
    table = fold_table({1: record(1), 2: record(2), 3: record(3)}, PAPER)
    assert list(table.columns) == ["fold 1", "fold 2", "fold 3", "mean", "paper", "difference"]
    assert list(table.index[:13]) == [*BP4D.columns, "mean F1"]
    np.testing.assert_allclose(table.iloc[:12, :3], 100 * F1.T)
    np.testing.assert_allclose(table["mean"].iloc[:12], 100 * F1.mean(0))
    assert table.loc["mean F1", "mean"] == pytest.approx(100 * F1.mean(1).mean())
    assert table.loc["mean AUC", "mean"] == pytest.approx(82)
    assert table.loc["AU4", "paper"] == 58.9
    assert table.loc["mean F1", "difference"] == pytest.approx(100 * F1.mean() - 66.6)
    assert table.loc["mean AUC", ["paper", "difference"]].isna().all()


def test_fold_without_a_result_is_reported_as_missing() -> None:
    records = {1: record(1), 2: None, 3: record(3)}
    table = fold_table(records)
    assert table["fold 2"].isna().all()
    np.testing.assert_allclose(table["mean"].iloc[:12], 100 * F1[[0, 2]].mean(0))
    assert "INCOMPLETE: no result for fold 2; means are over 2 of 3 folds" in fold_notes(records)
    assert "| AU1 | {:.1f} | - | {:.1f} |".format(*100 * F1[[0, 2], 0]) in as_markdown(table, title="", notes=[])


def test_undefined_f1_of_one_fold_is_averaged_over_the_others() -> None:
    f1 = {**record(2)["f1"], "AU7": None}
    table = fold_table({1: record(1), 2: record(2, f1=f1)})
    assert table.loc["AU7", "mean"] == table.loc["AU7", "fold 1"]


def test_title_and_notes_contain_the_provenance() -> None:
    honest, paper = {1: record(1)}, {1: record(1, protocol="paper")}
    assert fold_title("mine", honest) == "mine on bp4d, F1 in %: protocol honest, fold 1, seed 3"
    assert "test fold was scored once" in fold_notes(honest, PAPER)[0]
    assert fold_notes(honest, PAPER)[-1].endswith("which is less strict than the protocol of this table")
    assert "selected on the test fold" in fold_notes(paper, PAPER)[0]
    assert fold_notes(paper, PAPER)[-1].endswith("mean of 3 folds, protocol paper")
    assert not any("rendered" in note for note in fold_notes(honest))
    rendered = fold_notes({1: record(1, data="synthetic_bp4d")})
    assert "rendered faces, not real people: these numbers do not predict results on BP4D or DISFA" in rendered


def test_records_of_different_experiments_raise() -> None:
    with pytest.raises(InputError, match=r"fold 1 has seed=3, fold 3 has seed=4: .*belong to different experiments"):
        fold_table({1: record(1), 3: record(3, seed=4)})
    with pytest.raises(InputError, match="no fold has a result"):
        fold_table({1: None})


def test_terminal_table_fits_into_80_columns() -> None:
    table = fold_table({1: record(1), 2: record(2), 3: record(3)}, PAPER)
    console = Console(width=80, record=True)
    console.print(as_terminal_table(table))
    text = console.export_text()
    assert "…" not in text
    shown = [line.replace("│", " ").split() for line in text.splitlines() if line.startswith("│ AU")]
    read = pd.DataFrame([line[1:] for line in shown], index=[line[0] for line in shown], columns=table.columns)
    pd.testing.assert_frame_equal(read.astype(float), table.iloc[:12], atol=0.0501, rtol=0)


@pytest.mark.parametrize(
    ("table", "name", "columns", "line"),
    [
        ("f1_bp5d", "MDHR (Swin-B)", BP4D.columns, "unknown table of the paper: did you mean f1_bp4d"),
        ("f1_bp4d", "MDHR (Swin)", BP4D.columns, r"unknown row of f1_bp4d: did you mean MDHR \(Swin-B\)"),
        ("f1_bp4d", "MDHR (Swin-B)", DISFA.columns, "the data set has AU1, AU2, AU4, AU6, AU9"),
    ],
)
def test_unknown_paper_rows_raise_one_line(table: str, name: str, columns: tuple[str, ...], line: str) -> None:
    with pytest.raises(InputError, match=line) as raised:
        paper_row(table, name, columns=columns)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("table", ["f1_bp4d", "f1_disfa"])
def test_paper_averages_equal_the_means_of_rows(table: str) -> None:
    results = paper_results()[table]
    for name, f1 in results["f1"].items():
        assert len(f1) == len(results["aus"])
        assert results["average"][name] == pytest.approx(np.mean(f1), abs=0.11), name  # printed with one decimal


def test_paper_results_equal_the_published_numbers(shared: Path) -> None:
    published = json.loads((shared / "spec" / "paper_results.json").read_text())
    ours = {key: table for key, table in paper_results().items() if key != "source"}
    for key in ("f1_bp4d", "f1_disfa"):
        ours[key] = {**ours[key], **ours[key]["f1"]}
        del ours[key]["f1"]
    del published["source"]
    assert ours == published


def test_f1_at_chosen_thresholds_is_a_note() -> None:
    record = {"protocol": "honest", "threshold": 0.5, "data": "lab", "au_set": "DISFA", "seed": 1}
    records = {fold: {**record, "at_thresholds": {"f1_mean": f1}} for fold, f1 in ((1, 0.5), (2, 0.6))}
    assert any(note.endswith("validation split: mean F1 55.0") for note in fold_notes(records))
    assert not any("validation split: mean" in note for note in fold_notes(dict.fromkeys(records, record)))
