"""Order, bounded depth, errors and shutdown of the prefetching thread."""

import threading
from collections.abc import Iterator
from contextlib import closing
from time import sleep

import pytest

from mdhr.data.video.prefetch import prefetch


def test_items_keep_their_order_and_depth_is_bounded() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(50):
            made.append(number)
            yield number

    for taken, number in enumerate(prefetch(numbers(), depth=3)):
        assert number == taken
        sleep(0.001)
        assert len(made) <= taken + 5, "three in the queue, one on each side of it"
    assert made == list(range(50))


def test_an_error_is_raised_after_the_items_before_it() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("there")

    items = prefetch(broken(), depth=4)
    assert next(items) == 1
    with pytest.raises(ValueError, match="there"):
        next(items)


def test_the_thread_ends_when_the_generator_is_closed() -> None:
    before = threading.active_count()
    endless = iter(int, 1)
    with closing(prefetch(endless, depth=2)) as items:
        assert next(items) == 0
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
