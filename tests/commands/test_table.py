"""Tests of ``mdhr table``: files, messages and exit status."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.support.fake_study import demo_settings, study_run

Program = Callable[..., int]
OUT = Path("experiments/table-3/synthetic")


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, exit_status: Program) -> Program:
    """Run ``mdhr table`` in an empty folder with three runs (k = 1, all folds) and return the exit status."""
    monkeypatch.chdir(tmp_path)
    for fold in (1, 2, 3):
        study_run(Path("runs/study/synthetic-honest"), demo_settings(), k=1, fold=fold, seed=1, f1=0.6)
    return partial(exit_status, "table", "data=synthetic")


def test_incomplete_table_is_written_with_status_3(tables: Program, capfd: pytest.CaptureFixture[str]) -> None:
    assert tables("table=3") == 3
    printed = capfd.readouterr()
    assert printed.err == f"{OUT}/table.md is INCOMPLETE: no seed has all folds for k = 2, 3, 4, 5, 6, 7, 8\n"
    assert (OUT / "table.md").read_text() in printed.out
    assert "command: `make table-3 DATA=synthetic`" in printed.out
    assert {path.name for path in OUT.iterdir()} == {"table.csv", "table.md", "table.tex", "curve.png"}


def test_complete_table_has_status_0(tables: Program) -> None:
    for k in range(2, 9):
        study_run(Path("runs/other"), demo_settings(), k=k, fold=1, seed=1, f1=0.6)
    study_run(Path("runs/other"), demo_settings(), k=1, fold=1, seed=1, f1=0.6)
    assert tables("table=3", "runs=runs/other", "folds=[1]", "out=here") == 0
    assert "| 8 | 60.0 | 1 | 1 | 65.9 |" in Path("here/table.md").read_text()


def test_me_graphau_table_has_its_own_folder_and_target(tables: Program) -> None:
    study_run(
        Path("runs/study/synthetic-honest"),
        demo_settings("me_graphau_stage1"),
        fold=1,
        seed=1,
        f1=0.6,
        network="me_graphau_stage1",
    )
    assert tables("table=me_graphau") == 3
    page = Path("experiments/me-graphau/synthetic/table.md").read_text()
    assert "INCOMPLETE: MDHR (0 of 3 runs), ME-GraphAU stage 1 (1 of 3 runs), ME-GraphAU stage 2 (0 of 3 runs)" in page
    assert "command: `make me-graphau DATA=synthetic`" in page
    assert not list(Path("experiments").rglob("*.png")), "no mean over all folds, no bar"


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["table=2"], "table=2: should be 3, 4, 5, 6, 'me_graphau' or 'transfer'"),
        ([], "table is not set: set table=..."),
        (["table=4"], "no finished run for Table 4: expected runs with network=mdhr, k=5. Run `make table-4`"),
        (["table=3", "data=bp4d", "data.protocol=paper"], "no finished run for Table 3"),
        (["table=6"], "no finished run for Table 6"),
        (
            ["table=me_graphau"],
            "no finished run for ME-GraphAU and MDHR: expected runs with k=5 and network=mdhr, me_",
        ),
        (["table=3", "out=taken"], "cannot write to taken: File exists. Choose another out."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_invalid_settings_print_one_line(
    tables: Program, capfd: pytest.CaptureFixture[str], overrides: list[str], line: str
) -> None:
    Path("taken").touch()
    assert tables(*overrides) == 2
    printed = capfd.readouterr().err
    assert line in printed
    assert printed.count("\n") == 1
