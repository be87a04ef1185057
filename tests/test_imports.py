"""Imports point downward only; data and network meet in the clip alone."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "mdhr"
FACTS = {"action_units", "clip", "errors"}
WORKERS = {"data", "network", "losses", "metrics", "synthetic"}
MODULE = {"module", "predictions", "callbacks", "progress", "checkpoints", "record"}


def imported_parts(file: Path) -> set[str]:
    """First names below ``mdhr`` that a file imports: ``data``, ``errors``, ..."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} if node.module == "mdhr" else {node.module}
    return {name.split(".")[1] for name in names if name.startswith("mdhr.")}


def files_of(part: str) -> list[Path]:
    return sorted((SOURCE / part).rglob("*.py")) if (SOURCE / part).is_dir() else [SOURCE / f"{part}.py"]


@pytest.mark.parametrize("part", sorted(FACTS))
def test_facts_import_only_facts(part: str):
    for file in files_of(part):
        assert imported_parts(file) <= FACTS, file


@pytest.mark.parametrize("part", sorted(WORKERS))
def test_workers_import_only_facts_and_themselves(part: str):
    allowed = FACTS | {part} | ({"data"} if part == "synthetic" else set())
    for file in files_of(part):
        assert imported_parts(file) <= allowed, file


@pytest.mark.parametrize("part", sorted(MODULE))
def test_module_and_its_company_import_no_entry_point_and_no_network_or_data(part: str):
    for file in files_of(part):
        assert imported_parts(file) <= FACTS | {"losses", "metrics"} | MODULE, file


def test_nothing_below_the_entry_points_names_a_device():
    for file in SOURCE.rglob("*.py"):
        assert ".cuda()" not in file.read_text(), file
