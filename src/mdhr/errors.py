"""Errors whose message is meant for the user.

Commands print the message without a traceback and exit with the status of the class.
"""

import reprlib
from collections.abc import Sequence
from difflib import get_close_matches


class InputError(ValueError):
    """Wrong input. The message is one line: what is wrong, where, and how to fix it. Exit status 2.

    Control characters in the message, which names from files may contain, are escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__("\n".join(map(_escaped, message.split("\n"))))


class OutputError(InputError):
    """A file cannot be written, so that later work would be lost as well."""


class DivergedError(RuntimeError):
    """The training loss is NaN or infinite. The message is one line. Exit status 1."""


class IncompleteError(RuntimeError):
    """Part of the work is missing: failed jobs of a multirun, or runs that a table requires. Exit status 3."""


def shown(value: object, *, limit: int = 100) -> str:
    """Return a value of a file as text for a message: one line, at most ``limit`` characters, without escape codes."""
    try:
        text = value if isinstance(value, str) else "null" if value is None else reprlib.repr(value)
    except ValueError:  # Python does not print integers of more than 4300 digits
        text = f"a {type(value).__name__} too long to print"
    text = _escaped(text[: limit + 1])
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def listed(names: Sequence[object], *, limit: int = 3) -> str:
    """Return the first ``limit`` names as text for a message, with an ellipsis if there are more."""
    return ", ".join(map(shown, names[:limit])) + (", ..." if len(names) > limit else "")


def suggestion(name: str, known: list[str], *, prefix: str = "") -> str:
    """Return ``: did you mean a or b?``, or the list of all names if none is close to ``name``."""
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        return f": did you mean {' or '.join(prefix + other for other in near)}?"
    return f": choose from {', '.join(prefix + other for other in known)}"


def _escaped(text: str) -> str:
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
