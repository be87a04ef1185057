"""Reading of YAML files with plain values, from any source."""

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from mdhr.errors import InputError, shown
from mdhr.files.regular_file import read_regular

MAX_DEPTH = 50
MAX_NODES = 1_000_000
"""Limits of nested nodes and of all nodes, each alias counted as a copy of the node that it refers to."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C loader is ten times as fast


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file; tags that construct Python objects are refused.

    Raises ``InputError`` if the file cannot be read, or contains more or deeper nested nodes than any file of this
    project: a few hundred bytes of aliases can describe more nodes than fit into memory.
    """
    content = read_regular(path)
    try:
        problem = _excess(content)
        if not problem:
            return yaml.load(content, Loader=_LOADER)  # the loader is safe
    except yaml.YAMLError as error:
        problem = _first_problem(error)
    except (ValueError, OverflowError, RecursionError) as error:  # of dates and numbers, and of aliases in keys
        problem = shown(str(error))
    raise InputError(f"{path} cannot be read: {problem}")


def _excess(content: bytes) -> str:
    """Return the limit that a document exceeds, or an empty string; builds no nodes."""
    sizes: Counter[str] = Counter()
    open_nodes: list[tuple[str | None, int]] = []  # anchor, and number of nodes before
    count = 0
    for event in yaml.parse(content, Loader=_LOADER):
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor:
                sizes[anchor] = count - before
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_nodes):
                return f"the alias *{shown(event.anchor)} is inside of the node that it refers to"
            count += sizes[event.anchor]
        elif isinstance(event, yaml.NodeEvent):
            count += 1
            if isinstance(event, yaml.CollectionStartEvent):
                open_nodes.append((event.anchor, count - 1))
            elif event.anchor:
                sizes[event.anchor] = 1
        if count > MAX_NODES:
            return f"it contains more than {MAX_NODES:,} values"
        if len(open_nodes) > MAX_DEPTH:
            return f"its values are nested more than {MAX_DEPTH} deep"
    return ""


def _first_problem(error: yaml.YAMLError) -> str:
    """Return the problem and its line."""
    mark = getattr(error, "problem_mark", None)
    problem = shown(getattr(error, "problem", None) or str(error).partition("\n")[0])
    return problem if mark is None else f"line {mark.line + 1}: {problem}"
