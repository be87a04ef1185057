"""Processes of a distributed run."""

import os


def is_first_process() -> bool:
    """Return whether this is the first of the processes that train together; works before Lightning starts them."""
    return os.environ.get("LOCAL_RANK", "0") == "0"
