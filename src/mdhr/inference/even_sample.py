"""Evenly spaced items of a sequence whose length is not known in advance."""

from typing import Generic, TypeVar

Item = TypeVar("Item")


class EvenSample(Generic[Item]):
    """Sample of a sequence: every ``step``-th item. The step doubles whenever the sample exceeds its limit.

    Args:
        limit: maximum number of items, at least 2.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.step = 1
        self._items: list[Item] = []

    def wants(self, position: int) -> bool:
        """Return whether :meth:`add` would keep the item at a position."""
        return position % self.step == 0

    def add(self, position: int, item: Item) -> None:
        """Add the next item of the sequence."""
        if not self.wants(position):
            return
        self._items.append(item)
        if len(self._items) > self.limit:
            self._items = self._items[::2]
            self.step *= 2

    def at(self, position: int) -> Item:
        """Return the item at a position, or the last one before it in the sample."""
        return self._items[position // self.step]
