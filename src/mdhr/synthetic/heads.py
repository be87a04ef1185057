"""Head models by name."""

from functools import lru_cache

from mdhr.errors import InputError
from mdhr.synthetic.anny_head import load_anny_head
from mdhr.synthetic.head import HeadModel
from mdhr.synthetic.ict_head import load_ict_head

LOADERS = {"anny": load_anny_head, "ict": load_ict_head}
HEAD_NAMES = tuple(LOADERS)
"""Names of the head models."""


@lru_cache(maxsize=len(HEAD_NAMES))
def cached_head(name: str) -> HeadModel:
    """Return the head model of a name, loaded once per process. Raises ``InputError`` for an unknown name."""
    if name not in LOADERS:
        raise InputError(f"Unknown head model '{name}': expected one of {', '.join(HEAD_NAMES)}.")
    return LOADERS[name]()
