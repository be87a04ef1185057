"""Reading of YAML files with plain values."""

from pathlib import Path
from typing import Any

import yaml

from mdhr.errors import InputError


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file; tags that construct Python objects are refused.

    Raises ``InputError`` if the file cannot be read.
    """
    try:
        return yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
