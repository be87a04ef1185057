"""Notebooks are scripts: they run, import mdhr and define nothing."""

import ast
import runpy
from pathlib import Path

import matplotlib
import numpy as np
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parent.parent / "notebooks").glob("*.py"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_notebooks_define_nothing(notebook: Path) -> None:
    kinds = (ast.FunctionDef, ast.ClassDef)
    assert not [node for node in ast.walk(ast.parse(notebook.read_text())) if isinstance(node, kinds)]


def test_the_data_notebook_shows_a_prepared_data_set(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MDHR_DATA", str(prepared))
    matplotlib.use("Agg")
    seen = runpy.run_path(str(next(path for path in NOTEBOOKS if path.stem == "01_data")))
    np.testing.assert_allclose(seen["rates"].between(0.2, 0.8), True)
    assert seen["strip"].shape == (72, 8 * 72, 3)
