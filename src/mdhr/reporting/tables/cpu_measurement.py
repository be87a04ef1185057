"""Seconds and memory that a network takes on a CPU, measured in a process of its own.

Seconds are those that the processor worked for us, not those that went by, so a busy machine disturbs them less.
"""

import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import nn


@dataclass(frozen=True)
class CpuMeasurement:
    """Of one clip in evaluation mode; a megabyte is 2**20 bytes."""

    seconds_per_frame: float
    """Processor seconds, the median of the repeats, a frame."""
    megabytes_per_frame: float
    """Rise of the process's peak memory while it worked, a frame."""
    megabytes: float
    """Peak memory of the whole process: Python, its libraries, the weights and the work."""


def measure_cpu(
    build: Callable[[], nn.Module], *, num_frames: int, size: int, threads: int = 1, repeats: int = 3
) -> CpuMeasurement:
    """Measure in a new process, after one clip that does not count.

    Parameters
    ----------
    build: makes the network; it must be picklable (a function of a module, or a ``functools.partial`` of one).
    num_frames: T of the clip that is measured.
    size: height and width of the frames in pixels.
    threads: of torch.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as own_process:
        return own_process.submit(_measure, build, num_frames, size, threads, repeats).result()


def _measure(build: Callable[[], nn.Module], num_frames: int, size: int, threads: int, repeats: int) -> CpuMeasurement:
    torch.set_num_threads(threads)
    network = build().eval()
    frames = torch.randn(1, num_frames, 3, size, size)
    before = peak_megabytes()
    seconds = []
    with torch.inference_mode():
        for _ in range(1 + repeats):
            started = time.process_time()
            network(frames)
            seconds.append(time.process_time() - started)
    peak = peak_megabytes()
    return CpuMeasurement(statistics.median(seconds[1:]) / num_frames, (peak - before) / num_frames, peak)


def peak_megabytes() -> float:
    """The most memory that this process has held."""
    status = Path("/proc/self/status")
    if status.is_file():  # Linux's ru_maxrss begins with that of the process that started this one
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def processor() -> str:
    """What the machine calls its processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
