"""Assignment of GPUs to the worker processes of a multirun with ``hydra/launcher=joblib_gpus``.

A worker process takes the first free GPU when its first job starts, and keeps it for all its jobs: CUDA reads
``CUDA_VISIBLE_DEVICES`` once per process. A locked file marks a GPU as taken. The system releases the lock when the process
ends, even if it is killed. All multiruns of a user on a machine share the locks.
"""

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout
from hydra.core.hydra_config import HydraConfig

from mdhr.errors import InputError

LAUNCHER = "joblib_gpus"
"""Name of the launcher in ``conf/hydra/launcher``."""
VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"
_POLL_SECONDS = 1.0
_locks: list[FileLock] = []
"""Lock of the GPU of this process. A lock that is deleted is released."""


def visible_gpus() -> list[str]:
    """Return the numbers or names of the visible GPUs: those in ``CUDA_VISIBLE_DEVICES`` if it is set, else all.

    As for CUDA, the list ends before the first empty entry or negative number.
    """
    given = os.environ.get(VISIBLE_GPUS)
    if given is None:
        import torch

        return [str(number) for number in range(torch.cuda.device_count())]
    names = [name.strip() for name in given.split(",")]
    end = next((i for i, name in enumerate(names) if not name or name.startswith("-")), len(names))
    return names[:end]


def num_visible_gpus() -> int:
    """Return the number of visible GPUs. Raises ``InputError`` if there is none."""
    if number := len(visible_gpus()):
        return number
    raise InputError(f"hydra/launcher={LAUNCHER}: no GPU is visible. Use hydra/launcher=joblib, or set {VISIBLE_GPUS}.")


def assign_gpu() -> None:
    """Make one free GPU the only one that this process sees, if its job was started by the launcher ``joblib_gpus``.

    Waits if all GPUs are in use by other processes. Has no effect if the process already has a GPU. Raises ``InputError``
    if the launcher starts more jobs at a time than there are GPUs.
    """
    config = HydraConfig.get()
    if _locks or config.runtime.choices.get("hydra/launcher") != LAUNCHER:
        return
    gpus, num_jobs = visible_gpus(), config.launcher.n_jobs
    if not 0 < num_jobs <= len(gpus):
        raise InputError(
            f"hydra.launcher.n_jobs={num_jobs} is out of range: expected 1 to {len(gpus)}, the number of visible GPUs."
        )
    folder = Path(tempfile.gettempdir()) / f"mdhr-gpus-{os.getuid()}"
    gpu, lock = take_free_gpu(gpus, folder)
    _locks.append(lock)
    os.environ[VISIBLE_GPUS] = gpu


def take_free_gpu(gpus: Sequence[str], folder: Path) -> tuple[str, FileLock]:
    """Return the first GPU without a locked file in ``folder``, and the lock. Waits until there is one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    announced = False
    while True:
        for gpu in gpus:
            lock = FileLock(folder / f"{gpu.replace('/', '_')}.lock")
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            return gpu, lock
        if not announced:
            print(f"waiting for one of the GPUs {', '.join(gpus)}", flush=True)
            announced = True
        time.sleep(_POLL_SECONDS)
