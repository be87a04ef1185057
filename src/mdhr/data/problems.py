"""Problem of a data set, as `mdhr check` and a dry run of `mdhr prepare` list them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mdhr.errors import InputError

Level = Literal["error", "note"]


@dataclass(frozen=True)
class Problem:
    """One kind of problem in one place."""

    where: str
    """A video (``F001/T1``), a subject, a file relative to the root, or the root."""
    what: str
    """Description with an example: ``label 7 of AU4 in frame 2441 is not 0, 1 or 9``."""
    count: int = 1
    """Number of affected cells, frames or files."""
    fix: str = ""
    """How to fix it; empty if unknown."""
    level: Level = "error"
    """An error prevents the preparation of a release, a note does not."""


class DataProblemsError(InputError):
    """A data set has errors, which ``problems`` lists with its notes. The message contains the first."""

    def __init__(self, message: str, problems: Sequence[Problem]) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


def list_problems(problems: Sequence[Problem], *, prevents_preparation: bool, limit: int = 20) -> list[str]:
    """Return lines of text: errors, then notes, at most ``limit`` of each.

    Args:
        prevents_preparation: state in the heading that errors prevent the preparation.
    """
    lines = []
    for level in ("error", "note"):
        selected = [problem for problem in problems if problem.level == level]
        suffix = ", which prevent the preparation" if prevents_preparation and selected and level == "error" else ""
        lines.append(f"{level + 's':12} {len(selected)}{suffix}")
        lines += [f"  {problem.where}: {problem.what}" for problem in selected[:limit]]
        if len(selected) > limit:
            lines.append(f"  and {len(selected) - limit} more; `mdhr check` lists all of them")
    return lines
