"""CPU time and memory of a network, measured in a separate process.

Processor time is measured instead of elapsed time, because it depends less on other processes.
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
    """Cost of one clip in evaluation mode; a megabyte is 2**20 bytes."""

    seconds_per_frame: float
    """Median of the processor seconds per frame."""
    megabytes_per_frame: float
    """Increase of the peak memory of the process per frame."""
    megabytes: float
    """Peak memory of the process, including Python, libraries and weights."""


def measure_cpu(
    build: Callable[[], nn.Module], *, num_frames: int, size: int, threads: int = 1, repeats: int = 3
) -> CpuMeasurement:
    """Measure a network in a new process after one warm-up clip.

    Args:
        build: returns the network; must be picklable (a module-level function or a ``functools.partial`` of one).
        num_frames: T of the clip.
        size: height and width of the frames in pixels.
        threads: number of torch threads.
        repeats: number of measured clips.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        return executor.submit(_measure, build, num_frames, size, threads, repeats).result()


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
    """Return the peak memory of this process in MiB."""
    status = Path("/proc/self/status")
    if status.is_file():  # on Linux ru_maxrss of a new process starts at the value of its parent
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def processor() -> str:
    """Return the name of the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
