"""Memory of the tensors that a computation keeps."""

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveMemory(TorchDispatchMode):
    """Bytes of the tensors that operators inside this context have created and that still exist.

    Tensors stored for the backward pass are included, also those of activation checkpointing.

    Attributes:
        size: current bytes.
        peak: largest value of ``size`` after any operator.
    """

    def __init__(self, *existing: Tensor) -> None:
        super().__init__()
        self.size = self.peak = 0
        self._live = {x.untyped_storage()._cdata for x in existing}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        for x in tree_leaves(output):
            if isinstance(x, Tensor):
                self._add(x)
        self.peak = max(self.peak, self.size)
        return output

    def _add(self, x: Tensor) -> None:
        storage = x.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self._live:
            self._live.add(key)
            self.size += size
            weakref.finalize(storage, self._remove, key, size)

    def _remove(self, key: int, size: int) -> None:
        self._live.discard(key)
        self.size -= size
