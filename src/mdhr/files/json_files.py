"""Reading of JSON files, from any source."""

import json
from pathlib import Path
from typing import Any

from mdhr.errors import InputError, shown
from mdhr.files.regular_file import read_regular


def read_json(path: Path) -> Any:
    """Return the content of a JSON file; raises ``InputError`` if it cannot be read or is no JSON."""
    content = read_regular(path)
    try:
        return parse_json(content)
    except ValueError as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def parse_json(content: str | bytes) -> Any:
    """Return the value that JSON text describes; raises ``ValueError`` with one line for any other text."""
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ValueError("its values are nested too deep") from error
    except ValueError as error:  # also of numbers with thousands of digits, and of text that is not UTF-8
        raise ValueError(shown(str(error))) from error
