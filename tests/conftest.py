"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Two threads on shared cores are far slower than one."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the label lists of the released code, where somebody has it."""
    folder = Path(os.environ.get("MDHR_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"the released label lists are not here ({folder.name}/ is absent)")
    return folder
