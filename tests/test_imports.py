"""Imports point in one direction, without circles; data and network meet only in ``batch``."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.paths import SOURCE

ALLOWED = {
    "action_units": {"errors"},
    "batch": set(),
    "errors": set(),
    "files": {"errors"},
    "config": {"action_units", "errors", "files"},
    "data": {"action_units", "batch", "config", "errors", "files"},
    "network": {"action_units", "batch", "config", "errors", "files"},
    "synthetic": {"action_units", "config", "data", "errors", "files"},
    "training": {"action_units", "batch", "config", "data", "errors", "files", "network", "synthetic"},
    "inference": {"action_units", "batch", "config", "data", "errors", "files", "network", "synthetic", "training"},
}
"""What each part of ``mdhr`` may import, besides itself; reporting and commands may import everything below them."""
MAX_TOP_LEVEL, MAX_LINES = 14, 250


def module_name(file: Path) -> str:
    parts = file.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(file): file for file in sorted(SOURCE.rglob("*.py"))}


def imported_modules(file: Path, *, top_level_only: bool) -> Iterator[str]:
    """Modules of ``mdhr`` that a file imports; with ``top_level_only`` those of its import time."""
    tree = ast.parse(file.read_text())
    skipped: set[ast.AST] = set()
    if top_level_only:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _is_type_checking(node):
                skipped |= set(ast.walk(node))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield submodule if submodule in MODULES else node.module


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def part(module: str) -> str:
    """``data`` of ``mdhr.data.video.decoding``."""
    return module.split(".")[1] if "." in module else module


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_imports_point_in_one_direction(name: str) -> None:
    for module, file in MODULES.items():
        if part(module) == name:
            imported = {part(other) for other in imported_modules(file, top_level_only=False)}
            assert imported - ALLOWED[name] - {name} == set(), file


def test_nothing_but_the_entry_point_imports_a_command() -> None:
    for module, file in MODULES.items():
        if part(module) not in ("commands", "__main__"):
            imported = {part(other) for other in imported_modules(file, top_level_only=False)}
            assert "commands" not in imported, file


def test_reporting_is_imported_by_commands_alone() -> None:
    for module, file in MODULES.items():
        if part(module) not in ("reporting", "commands"):
            assert "reporting" not in {part(other) for other in imported_modules(file, top_level_only=False)}, file


def test_no_import_circles() -> None:
    """Neither at import time nor through imports inside functions or for type checkers."""
    graph = {module: set(imported_modules(file, top_level_only=False)) for module, file in MODULES.items()}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_top_level_and_every_file_stay_small() -> None:
    entries = [entry for entry in SOURCE.iterdir() if entry.name != "__pycache__"]
    assert len(entries) <= MAX_TOP_LEVEL
    assert [file for file in MODULES.values() if len(file.read_text().splitlines()) > MAX_LINES] == []


def test_no_device_names() -> None:
    assert [file for file in MODULES.values() if ".cuda()" in file.read_text()] == []
