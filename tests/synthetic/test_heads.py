"""Tests of head models by name."""

import pytest

from mdhr.errors import InputError
from mdhr.synthetic.heads import HEAD_NAMES, cached_head


def test_a_head_is_loaded_once() -> None:
    assert cached_head("anny") is cached_head("anny")


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=f"'bob': expected one of {', '.join(HEAD_NAMES)}"):
        cached_head("bob")
