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
def show(monkeypatch: pytest.MonkeyPatch, prepared: Path, tmp_path: Path) -> Any:
    """Run the notebook of that name on the prepared noise; what it has at its end."""
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


def test_the_data_notebook_shows_a_prepared_data_set(show: Any) -> None:
    seen = show("01_data")
    np.testing.assert_allclose(seen["rates"].between(0.2, 0.8), True)
    assert seen["strip"].shape == (72, 8 * 72, 3)


def test_the_dynamics_notebook_shows_changes_and_weights_of_all_scales(show: Any) -> None:
    seen = show("02_dynamics")
    assert [tuple(each.shape) for each in seen["differences"]] == [(15, n, n) for n in (16, 8, 4, 2)]
    np.testing.assert_allclose(seen["captured"].scale_weights.sum(1), 1, rtol=1e-5)
    # Nine frames are there, the rest is padding with the last one: nothing changes in it.
    assert all((each[-1] == 0).all() and each[0].max() > 0 for each in seen["differences"])


def test_the_graph_notebook_shows_open_edges_alone(show: Any) -> None:
    seen = show("03_au_graph")
    frames = 2 * (9 + 6)
    assert seen["gate"].shape == (frames, 12)
    assert seen["attention"].shape == (frames, 12, 12)
    closed = ~seen["opened"] & ~np.eye(12, dtype=bool)
    assert (seen["attention"][closed] == 0).all()
    np.testing.assert_allclose(seen["attention"].sum(-1), 1, rtol=1e-5)


def test_the_tables_notebook_shows_committed_tables(
    show: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    show("04_tables")
    folder = tmp_path / "table-3/synthetic"
    folder.mkdir(parents=True)
    table = pd.DataFrame({"k": range(1, 9), "f1_mean": np.linspace(0.5, 0.57, 8), "f1_sd": 0.01, "data": "synthetic"})
    table.to_csv(folder / "table.csv", index=False)
    monkeypatch.setenv("MDHR_EXPERIMENTS", str(tmp_path))
    capsys.readouterr()
    seen = show("04_tables")
    said = capsys.readouterr().out
    assert "table-3/synthetic\nrendered faces, not real people" in said
    paper, ours = (np.asarray(line.get_ydata(), float) for line in seen["axes"][0].lines[:2])
    np.testing.assert_allclose(np.diff(ours), 1)
    assert paper.argmax() == 4  # k = 5
