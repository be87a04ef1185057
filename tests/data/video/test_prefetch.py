"""A thread works ahead, but not far, and ends with whoever takes what it makes."""

import threading
from collections.abc import Iterator
from contextlib import closing
from time import sleep

import pytest

from mdhr.data.video.prefetch import ahead


def test_items_come_in_order_and_not_many_are_made_ahead() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(50):
            made.append(number)
            yield number

    for taken, number in enumerate(ahead(numbers(), depth=3)):
        assert number == taken
        sleep(0.001)
        assert len(made) <= taken + 5, "three that wait, one in either hand"
    assert made == list(range(50))


def test_an_error_comes_after_what_was_made_before_it() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("there")

    items = ahead(broken(), depth=4)
    assert next(items) == 1
    with pytest.raises(ValueError, match="there"):
        next(items)


def test_the_thread_ends_where_nobody_reads_on() -> None:
    before = threading.active_count()
    endless = iter(int, 1)
    with closing(ahead(endless, depth=2)) as items:
        assert next(items) == 0
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
