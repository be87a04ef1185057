"""Ours against the plainly written reference on this machine: `make bench`, or `python benchmarks/bench.py [row ...]`.

Prints a table, writes benchmarks/results.json and exits with 1 where a row falls short of its target. Every row is a
ratio of medians of runs that take turns, so that a busy machine slows both.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import torch
from evaluation import evaluation_overhead
from loader import measure_loading
from metrics import metrics_seconds
from networks import RESNET, SWIN, inference, seconds, training
from rich.console import Console
from rich.table import Table

from mdhr.files.atomic import write_text

RESULTS = Path(__file__).with_name("results.json")
NETWORKS = str(Path(__file__).with_name("networks.py"))
REPEATS = 5
GIVEN_BACK = {"MALLOC_MMAP_THRESHOLD_": "1000000", "MALLOC_TRIM_THRESHOLD_": "1000000"}
"""Settings of glibc: pieces that are too small for the next tensor are not kept, a peak is what tensors need."""


@dataclass
class Row:
    """One comparison."""

    name: str
    value: float
    """What is held against the target, mostly how many times ours is as fast."""
    target: float
    unit: str = "x"
    at_most: bool = False
    """The target is an upper bound."""
    spread: tuple[float, float] | None = None
    """Smallest and largest value of single turns."""
    note: str = ""
    runs: dict[str, list[float]] = field(default_factory=dict)

    @property
    def reached(self) -> bool:
        """Is the target reached?"""
        return self.value <= self.target if self.at_most else self.value >= self.target


def times_as_fast(name: str, runs: dict[str, list[float]], *, target: float, note: str = "") -> Row:
    """Seconds of the plain one over seconds of ours: ratio of the medians, spread over the turns."""
    plain, ours = runs["plain"], runs["ours"]
    turns = [theirs / mine for theirs, mine in zip(plain, ours, strict=True)]
    ratio = statistics.median(plain) / statistics.median(ours)
    said = f"{statistics.median(plain):.2f} s and {statistics.median(ours):.2f} s{note}"
    return Row(name, ratio, target, spread=(min(turns), max(turns)), note=said, runs=runs)


def inference_row(what: str, backbone: str, *, target: float, tolerance: float) -> Row:
    """A clip of 16 frames at 224 px; scores that differ by more than ``tolerance`` make the row worthless."""
    runs, difference = inference(backbone, REPEATS)
    if difference > tolerance:
        return Row(what, 0.0, target, note=f"scores differ by {difference:.1e}, allowed are {tolerance:g}", runs=runs)
    return times_as_fast(what, runs, target=target, note=f", scores differ by {difference:.1e}")


def resnet() -> list[Row]:
    """Inference in float32, and where the processor has it in bfloat16."""
    return [inference_row("inference, ResNet-50, float32", RESNET, target=3.5, tolerance=1e-5)]


def swin() -> list[Row]:
    """Inference, Swin-Base."""
    return [inference_row("inference, Swin-Base, float32", SWIN, target=1.5, tolerance=1e-5)]


def bfloat16() -> list[Row]:
    """Inference with half the bits, where the processor computes with them."""
    name, target = "inference, ResNet-50, bfloat16", 8.0
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return [Row(name, 0.0, target, note="this processor has no bfloat16 arithmetic: not run")]
    with torch.autocast("cpu", torch.bfloat16):
        return [inference_row(name, RESNET, target=target, tolerance=5e-3)]


def training_step() -> list[Row]:
    """Twenty steps on one clip."""
    runs, losses = training(20)
    apart = abs(losses["ours"] / losses["plain"] - 1)
    return [
        times_as_fast("training step, ResNet-50, one clip", runs, target=3.0),
        Row(
            "loss after 20 steps, apart", 100 * apart, 1.0, "%", True,
            note=f"{losses['plain']:.4f} and {losses['ours']:.4f}",
        ),
    ]  # fmt: skip


def memory() -> list[Row]:
    """Peak memory of a process that trains, above that of one that has only imported everything."""
    return [
        memory_row("as it comes", "ours"),
        memory_row("backbone.recompute=true", "recompute"),
        memory_row("the same, what is freed given back", "recompute", given_back=True),
    ]


def memory_row(name: str, kind: str, *, given_back: bool = False) -> Row:
    """Ours of that kind against the plain one, both with the same settings of the allocator."""
    nothing, plain, ours = (peak_megabytes(kind, given_back) for kind in ("nothing", "plain", kind))
    return Row(
        f"peak memory of training, {name}", 100 * (ours - nothing) / (plain - nothing), 70.0, "%", True,
        note=f"{plain - nothing:.0f} MB and {ours - nothing:.0f} MB", runs={"peak MB": [nothing, plain, ours]},
    )  # fmt: skip


@cache  # rows share what they are held against
def peak_megabytes(kind: str, given_back: bool) -> float:
    """Peak memory of a process of its own, see :func:`networks.peak_memory`."""
    environment = {**os.environ, **(GIVEN_BACK if given_back else {})}
    return float(subprocess.check_output([sys.executable, NETWORKS, kind], text=True, env=environment))


def loading() -> list[Row]:
    """Training clips of 256 px pictures, one core."""
    runs = measure_loading(REPEATS)
    rates = {name: statistics.median(values) for name, values in runs.items()}
    return [
        Row(
            f"training clips from {what}", rates[key], target, "frames/s",
            spread=(min(runs[key]), max(runs[key])), note=f"plain loader {rates['plain']:.0f} frames/s", runs=runs,
        )
        for key, what, target in (("jpeg", "JPEGs", 2000.0), ("memory_mapped", "stored frames", 8000.0))
    ]  # fmt: skip


def metrics() -> list[Row]:
    """F1 of 50,000 frames."""
    runs = metrics_seconds(REPEATS)
    plain, ours = (statistics.median(runs[name]) for name in ("plain", "ours"))
    note = f"counted in Python loops {plain:.1f} s"
    return [Row("metrics of 50,000 frames", ours, 0.2, "s", True, note=note, runs=runs)]


def evaluation() -> list[Row]:
    """What evaluation does beside the network."""
    total, network = evaluation_overhead()
    note = f"{total:.1f} s in all, {network:.1f} s in the network"
    return [Row("evaluation beside the network", 100 * (total - network) / total, 5.0, "%", True, note=note)]


ROWS: dict[str, Callable[[], list[Row]]] = {
    row.__name__: row
    for row in (resnet, bfloat16, swin, training_step, memory, loading, metrics, evaluation)
}  # fmt: skip


def print_table(rows: list[Row]) -> None:
    """One line a row."""
    table = Table(
        "what", "measured", "single turns", "target", "", "plain and ours", title="ours against the plain one"
    )
    for row in rows:
        spread = f"{row.spread[0]:.2f} to {row.spread[1]:.2f}" if row.spread and row.unit == "x" else ""
        if row.spread and row.unit != "x":
            spread = f"{row.spread[0]:,.0f} to {row.spread[1]:,.0f}"
        value = f"{row.value:,.0f}" if row.value >= 100 else f"{row.value:.2f}"
        bound = f"{'at most' if row.at_most else 'at least'} {row.target:g} {row.unit}"
        verdict = "[green]reached[/]" if row.reached else "[red]falls short[/]"
        table.add_row(row.name, f"{value} {row.unit}", spread, bound, verdict, row.note)
    Console(width=150).print(table)


def keep(name: str, rows: list[Row]) -> None:
    """Put them into results.json, in place of what was measured before."""
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    measured = {"torch": torch.__version__, "threads": torch.get_num_threads(), "rows": [asdict(row) for row in rows]}
    write_text(RESULTS, json.dumps({**results, name: measured}, indent=1) + "\n")


def main() -> None:
    """Measure the rows that are asked for, all of them by default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help=f"which of {', '.join(ROWS)}")
    chosen = parser.parse_args().rows or list(ROWS)
    if unknown := set(chosen) - set(ROWS):
        parser.error(f"there is no row {', '.join(sorted(unknown))}: choose from {', '.join(ROWS)}")
    rows = []
    for name in chosen:
        taken, measured = seconds(ROWS[name])
        print(f"{name}: measured in {taken:.0f} s", file=sys.stderr)
        rows += measured
        keep(name, measured)
    print_table(rows)
    short = [row.name for row in rows if not row.reached]
    if short:
        print(
            f"{len(short)} of {len(rows)} rows fall short: {'; '.join(short)}; why: docs/performance.md",
            file=sys.stderr,
        )
        raise SystemExit(1)


if __name__ == "__main__":
    main()
