"""Training on the meta device, which finds the operations for which the host waits for an accelerator, without having one.

Tensors of the meta device have shapes but no values. Code that reads a value of one, or copies between it and the host
without ``non_blocking=True``, makes the host wait for a GPU. Such accesses are recorded. Reads return substitutes, so that a
training run reaches its end: -1 for a number (no batch diverged), zeros for a tensor.
"""

import traceback
from collections.abc import Callable
from typing import Any

import lightning
import torch
from lightning.pytorch import Callback
from lightning.pytorch.strategies import SingleDeviceStrategy
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tests.support.paths import SOURCE

LIGHTNING = lightning.__path__[0]
READS = {
    torch.ops.aten._local_scalar_dense.default: lambda tensor: torch.tensor(-1, dtype=tensor.dtype).item(),
    torch.ops.aten.nonzero.default: lambda tensor: tensor.new_empty(0, tensor.ndim, dtype=torch.int64),
    torch.ops.aten.equal.default: lambda *tensors: True,
}
"""Operations that return values of a tensor to the host, or a shape that depends on them."""
FACTORIES = (torch.tensor, torch.as_tensor, torch.asarray)
"""Functions that copy Python numbers and arrays to a device."""


class HostAccesses:
    """Context that records accesses of the host to tensors of the meta device, between ``watch(True)`` and ``watch(False)``.

    Attributes:
        found: the accesses, each with the line of this package or of Lightning that caused it.
    """

    def __init__(self) -> None:
        self.found: list[str] = []
        self._watching = False
        self._modes = (_Operations(self), _Functions(self))

    def __enter__(self) -> "HostAccesses":
        for mode in self._modes:
            mode.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        for mode in reversed(self._modes):
            mode.__exit__(*error)

    def watch(self, on: bool) -> None:
        """Start or end recording."""
        self._watching = on

    def record(self, operation: object) -> None:
        """Add an access to ``found``."""
        if self._watching:
            frames = [f for f in traceback.extract_stack() if f.filename.startswith((str(SOURCE), LIGHTNING))]
            where = f"{frames[-1].filename}:{frames[-1].lineno}: {frames[-1].line}" if frames else "?"
            self.found.append(f"{operation} at {where}")


class _Operations(TorchDispatchMode):
    def __init__(self, accesses: HostAccesses) -> None:
        super().__init__()
        self.accesses = accesses

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        on_meta = [tensor.is_meta for tensor in tensors]
        if func in READS and all(on_meta):
            self.accesses.record(func)
            return READS[func](*args)
        if func is torch.ops.aten._to_copy.default:
            device = kwargs.get("device") or args[0].device
            to_host, to_device = on_meta[0] and device.type == "cpu", not on_meta[0] and device.type == "meta"
            if to_host or (to_device and not kwargs.get("non_blocking")):
                self.accesses.record(func)
            if to_host:
                return torch.zeros(args[0].shape, dtype=kwargs.get("dtype") or args[0].dtype)
        if func is torch.ops.aten.copy_.default and on_meta[0] != on_meta[1]:
            if not (on_meta[0] and (kwargs.get("non_blocking") or (*args, False)[2])):
                self.accesses.record(func)
            if on_meta[1]:
                return args[0].zero_()
        return func(*args, **kwargs)


class _Functions(TorchFunctionMode):
    def __init__(self, accesses: HostAccesses) -> None:
        super().__init__()
        self.accesses = accesses

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        # The dispatcher does not see these copies on the meta device.
        if func in FACTORIES and kwargs.get("device") is not None and torch.device(kwargs["device"]).type == "meta":
            self.accesses.record(func.__name__)
        if func is Tensor.__format__ and args[0].is_meta:
            self.accesses.record("format")
            return "0"
        return func(*args, **kwargs)


class MetaStrategy(SingleDeviceStrategy):
    """Strategy of Lightning that trains on the meta device."""

    def __init__(self) -> None:
        super().__init__(device="meta")

    def setup_environment(self) -> None:
        """Skip the accelerator, which would refuse the device."""


class Watch(Callback):
    """Watch the batches of an epoch after the first one, for which Lightning creates its metrics.

    The watched part contains the transfer of the next batch, the step, the optimizer, the schedule and the loggers. Lightning
    starts to log an epoch after its last batch, which ends the watched part.

    Args:
        watch: starts and ends watching.
    """

    def __init__(self, watch: Callable[[bool], None]) -> None:
        self.watch = watch
        self.batches = 0

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Watch until the last batch."""
        self.batches += batch_idx > 0
        self.watch(batch_idx < trainer.num_training_batches - 2)

    def on_validation_batch_start(self, *_: Any) -> None:
        """Watch the collection of scores."""
        self.watch(True)

    def on_validation_batch_end(self, *_: Any) -> None:
        """Stop."""
        self.batches += 1
        self.watch(False)

    def on_exception(self, *_: Any) -> None:
        """Stop."""
        self.watch(False)
