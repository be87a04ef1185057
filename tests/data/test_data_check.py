"""`mdhr check`: table, summary line and exit status."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from rich.console import Console

from mdhr.data.data_check import check, problem_table, summary
from mdhr.data.problems import Problem
from mdhr.errors import InputError
from tests.support.paths import CONF
from tests.support.raw_trees import build_bp4d, build_disfa


def configured(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("check", [*overrides, "num_workers=1"])


@pytest.fixture
def checked_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, exit_status: Callable[..., int]
) -> Callable[..., int]:
    """Exit status of ``mdhr check`` in ``tmp_path``, on a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return partial(exit_status, "check", "num_workers=1")


def printed(checked: dict[str, list[Problem]], *, width: int = 80, limit: int | None = None) -> str:
    console = Console(width=width, record=True, quiet=False, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(problem_table(checked, limit=limit, width=width))
    return console.export_text()


def test_complete_release_has_no_errors(
    checked_with: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    build_bp4d(tmp_path / "raw")
    assert checked_with("data=bp4d", "data.root=raw", "partial=true", "deep=true") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 errors and 3 notes in raw"


def test_errors_are_one_table_and_one_line_and_status_1(
    checked_with: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    build_disfa(tmp_path / "raw", subjects=("SN001", "SN002"))
    (tmp_path / "raw/ActionUnit_Labels/SN001/SN001_au4.txt").write_text("1,[red]7[/red]\n")
    asked = ("data=disfa", "data.root=raw", "partial=true", "out=lists/problems.csv")
    assert checked_with(*asked) == 1
    *table, last = capsys.readouterr().out.splitlines()
    assert max(map(len, table)) <= 80
    assert last == "1 error and 3 notes in raw"
    written = pd.read_csv(tmp_path / "lists/problems.csv", keep_default_na=False)
    assert list(written.columns) == ["root", "where", "what", "count", "fix", "level"]
    assert written["level"].tolist() == ["error", "note", "note", "note"]
    assert written.loc[0, "count"] == 10
    assert written.loc[0, "what"].startswith("[red]7[/red] of intensity_AU4 in frame 0"), "no markup of ours"


def test_nothing_to_check_is_one_line_and_status_2(
    checked_with: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert checked_with("data=bp4d", "data.root=nowhere") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "there is nothing to check in nowhere nor in data/bp4d. Set data.root to the folder of a data set."


def test_a_prepared_data_set_is_checked(prepared: Path, tmp_path: Path) -> None:
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    (tmp_path / "frames/F001/T1/00003.jpg").unlink()
    checked = check(configured("data=synthetic", f"data.root={tmp_path}"))
    assert [(p.where, p.what) for p in checked[str(tmp_path)]] == [("F001/T1", "no image 00003.jpg")]
    assert summary(check(configured(f"data.root={prepared}"))) == f"0 errors and 0 notes in {prepared}"


def test_release_and_prepared_form_are_checked_together(prepared: Path, tmp_path: Path) -> None:
    build_bp4d(tmp_path, subjects=("F001",))
    checked = check(configured("data=bp4d", f"data.root={tmp_path}", f"data.prepared={prepared}"))
    assert list(checked) == [str(tmp_path), str(prepared)]
    assert [len(problems) for problems in checked.values()] == [3, 0]
    (note,) = check(configured("data=bp4d", "data.root=nowhere", f"data.prepared={prepared}"))["nowhere"]
    assert (note.level, note.what) == ("note", "the release does not exist; only the prepared form was checked")


def test_released_lists_are_checked_fold_by_fold(tmp_path: Path) -> None:
    lists = tmp_path / "list"
    lists.mkdir()
    for fold in (1, 2):
        for split, subject in (("train", "F001"), ("test", "F002")):
            paths = [f"{subject}/T1/{frame}.jpg" for frame in (7, 8, 10)]
            (lists / f"BP4D_{split}_img_path_fold{fold}.txt").write_text("\n".join(paths))
            (lists / f"BP4D_{split}_label_fold{fold}.txt").write_text(f"{' '.join('0' * 12)}\n" * (4 - fold))
            for path in paths:
                (tmp_path / "img" / path).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / "img" / path).touch()
    (problems,) = check(configured("data=released_lists", f"data.root={tmp_path}")).values()
    assert [(p.where, p.level) for p in problems] == [("fold 2", "error"), ("fold 3", "error"), ("fold 1", "note")]
    lines, absent, gap = (p.what for p in problems)
    assert "BP4D_train_label_fold2.txt has 2 lines" in lines
    assert "does not exist" in absent
    assert "2 frames are missing inside 2 videos" in gap
    with pytest.raises(InputError, match="there is nothing to check in nowhere"):
        check(configured("data=released_lists", "data.root=nowhere"))


def test_frequent_kind_of_problem_does_not_hide_others() -> None:
    many = [Problem(f"F{n:03d}/T1", f"{n} frames are missing", fix="restore them") for n in range(1, 100)]
    checked = {"raw": [*many, Problem("fold 1", "lacks F007")]}
    table = printed(checked, limit=10)
    assert table.count("restore them") == 10
    assert "and 89 more" in " ".join(table.split())
    assert "lacks F007" in table
    assert printed(checked).count("restore them") == printed(checked, limit=98).count("restore them") == 99
    assert summary(checked) == "100 errors and 0 notes in raw"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_table_fits_the_width_and_contains_every_word(width: int) -> None:
    path = "some/folder/AUCoding/AU_OCC/F001_T1.csv"
    checked = {"a": [Problem(path, "label 7 of AU4 is none of 0, 1, 9 " * 3, 12345, "correct it")], "b": [], "c": []}
    table = printed(checked, width=width)
    assert max(map(len, table.splitlines())) <= width
    assert "12,345" in table
    assert "F001_T1.csv" in table, "names are not broken"
    words = " ".join(table.split())
    assert all(word in words for word in ("error:", "correct", "none"))
