"""Notebooks are scripts: they run, import mdhr and define nothing."""

import ast
import runpy
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from tests.support.paths import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


@pytest.fixture
def run_notebook(monkeypatch: pytest.MonkeyPatch, prepared: Path, tmp_path: Path) -> Any:
    """Run the notebook of that name on prepared noise and return its global variables."""
    matplotlib.use("Agg")
    monkeypatch.setenv("MDHR_DATA", str(prepared))
    monkeypatch.setenv("MDHR_RUN", str(tmp_path))
    yield lambda name: runpy.run_path(str(next(path for path in NOTEBOOKS if path.stem == name)))
    plt.close("all")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_notebooks_are_thin(notebook: Path) -> None:
    kinds = (ast.FunctionDef, ast.ClassDef)
    assert not [node for node in ast.walk(ast.parse(notebook.read_text())) if isinstance(node, kinds)]
    assert len(notebook.read_text().splitlines()) <= 60


def test_data_notebook(run_notebook: Any) -> None:
    variables = run_notebook("01_data")
    np.testing.assert_allclose(variables["rates"].between(0.2, 0.8), True)
    assert variables["strip"].shape == (72, 8 * 72, 3)


def test_dynamics_notebook(run_notebook: Any) -> None:
    variables = run_notebook("02_dynamics")
    assert [tuple(each.shape) for each in variables["differences"]] == [(15, n, n) for n in (16, 8, 4, 2)]
    np.testing.assert_allclose(variables["captured"].scale_weights.sum(1), 1, rtol=1e-5)
    # Nine frames are there, the rest is padding with the last one: nothing changes in it.
    assert all((each[-1] == 0).all() and each[0].max() > 0 for each in variables["differences"])


def test_graph_notebook_shows_open_edges_only(run_notebook: Any) -> None:
    variables = run_notebook("03_au_graph")
    frames = 2 * (9 + 6)
    assert variables["gate"].shape == (frames, 12)
    assert variables["attention"].shape == (frames, 12, 12)
    closed = ~variables["opened"] & ~np.eye(12, dtype=bool)
    assert (variables["attention"][closed] == 0).all()
    np.testing.assert_allclose(variables["attention"].sum(-1), 1, rtol=1e-5)


def test_tables_notebook(
    run_notebook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_notebook("04_tables")
    folder = tmp_path / "table-3/synthetic"
    folder.mkdir(parents=True)
    table = pd.DataFrame({"k": range(1, 9), "f1_mean": np.linspace(0.5, 0.57, 8), "f1_sd": 0.01, "data": "synthetic"})
    table.to_csv(folder / "table.csv", index=False)
    monkeypatch.setenv("MDHR_EXPERIMENTS", str(tmp_path))
    capsys.readouterr()
    variables = run_notebook("04_tables")
    printed = capsys.readouterr().out
    assert "table-3/synthetic\nrendered faces, not real people" in printed
    paper, ours = (np.asarray(line.get_ydata(), float) for line in variables["axes"][0].lines[:2])
    np.testing.assert_allclose(np.diff(ours), 1)
    assert paper.argmax() == 4  # k = 5
