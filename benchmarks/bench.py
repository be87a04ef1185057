"""Benchmark against the plain reference on this machine: `make bench`, or `python benchmarks/bench.py [row ...]`.

Prints a table and updates benchmarks/results.json. The exit status is 1 if a row does not reach its target. A speedup
is a ratio of medians. The runs of both implementations alternate, so that other load on the machine affects both.
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
RETURN_FREED_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "1000000", "MALLOC_TRIM_THRESHOLD_": "1000000"}
"""glibc settings: freed memory is returned to the system, so that the peak is the memory of live tensors."""


@dataclass
class Row:
    """One row of the table."""

    name: str
    value: float
    """Measured value, compared with the target."""
    target: float
    unit: str = "x"
    at_most: bool = False
    """Whether the target is an upper bound."""
    spread: tuple[float, float] | None = None
    """Smallest and largest value of single runs."""
    note: str = ""
    runs: dict[str, list[float]] = field(default_factory=dict)

    @property
    def reached(self) -> bool:
        """Whether the target is reached."""
        return self.value <= self.target if self.at_most else self.value >= self.target


def speedup_row(name: str, runs: dict[str, list[float]], *, target: float, note: str = "") -> Row:
    """Return the speedup: plain seconds over ours, ratio of the medians and range of single pairs of runs."""
    plain, ours = runs["plain"], runs["ours"]
    ratios = [theirs / mine for theirs, mine in zip(plain, ours, strict=True)]
    ratio = statistics.median(plain) / statistics.median(ours)
    note = f"{statistics.median(plain):.2f} s and {statistics.median(ours):.2f} s{note}"
    return Row(name, ratio, target, spread=(min(ratios), max(ratios)), note=note, runs=runs)


def inference_row(name: str, backbone: str, *, target: float, tolerance: float) -> Row:
    """Return the speedup on a clip of 16 frames at 224 px, or 0 if the scores differ by more than ``tolerance``."""
    runs, difference = inference(backbone, REPEATS)
    if difference > tolerance:
        return Row(name, 0.0, target, note=f"scores differ by {difference:.1e}, allowed: {tolerance:g}", runs=runs)
    return speedup_row(name, runs, target=target, note=f", scores differ by {difference:.1e}")


def resnet() -> list[Row]:
    """Inference with ResNet-50 in float32."""
    return [inference_row("inference, ResNet-50, float32", RESNET, target=3.5, tolerance=1e-5)]


def swin() -> list[Row]:
    """Inference with Swin-Base in float32."""
    return [inference_row("inference, Swin-Base, float32", SWIN, target=1.5, tolerance=1e-5)]


def bfloat16() -> list[Row]:
    """Inference with ResNet-50 in bfloat16, if the processor supports it."""
    name, target = "inference, ResNet-50, bfloat16", 8.0
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return [Row(name, 0.0, target, note="not run: the processor has no bfloat16 arithmetic")]
    with torch.autocast("cpu", torch.bfloat16):
        return [inference_row(name, RESNET, target=target, tolerance=5e-3)]


def training_step() -> list[Row]:
    """20 training steps on one clip."""
    runs, losses = training(20)
    difference = abs(losses["ours"] / losses["plain"] - 1)
    return [
        speedup_row("training step, ResNet-50, one clip", runs, target=3.0),
        Row(
            "difference of the loss after 20 steps", 100 * difference, 1.0, "%", True,
            note=f"{losses['plain']:.4f} and {losses['ours']:.4f}",
        ),
    ]  # fmt: skip


def memory() -> list[Row]:
    """Peak memory of a training process, minus that of a process that only imports the packages."""
    return [
        memory_row("default", "ours"),
        memory_row("backbone.activation_checkpointing=true", "activation_checkpointing"),
        memory_row("the same, freed memory returned", "activation_checkpointing", return_freed=True),
    ]


def memory_row(name: str, kind: str, *, return_freed: bool = False) -> Row:
    """Return ours as a percentage of plain, both with the same settings of the allocator."""
    nothing, plain, ours = (peak_megabytes(kind, return_freed) for kind in ("nothing", "plain", kind))
    return Row(
        f"peak memory of training, {name}", 100 * (ours - nothing) / (plain - nothing), 70.0, "%", True,
        note=f"{plain - nothing:.0f} MB and {ours - nothing:.0f} MB", runs={"peak MB": [nothing, plain, ours]},
    )  # fmt: skip


@cache  # rows share the baselines
def peak_megabytes(kind: str, return_freed: bool) -> float:
    """Return the peak memory of a new process in MB (:func:`networks.peak_memory`)."""
    environment = {**os.environ, **(RETURN_FREED_MEMORY if return_freed else {})}
    return float(subprocess.check_output([sys.executable, NETWORKS, kind], text=True, env=environment))


def loading() -> list[Row]:
    """Loading of training clips from frames of 256 px on one core."""
    runs = measure_loading(REPEATS)
    rates = {name: statistics.median(values) for name, values in runs.items()}
    return [
        Row(
            f"training clips from {source}", rates[key], target, "frames/s",
            spread=(min(runs[key]), max(runs[key])), note=f"plain loader {rates['plain']:.0f} frames/s", runs=runs,
        )
        for key, source, target in (("jpeg", "JPEGs", 2000.0), ("memory_mapped", "stored frames", 8000.0))
    ]  # fmt: skip


def metrics() -> list[Row]:
    """F1 of 50,000 frames."""
    runs = metrics_seconds(REPEATS)
    plain, ours = (statistics.median(runs[name]) for name in ("plain", "ours"))
    note = f"Python loops {plain:.1f} s"
    return [Row("metrics of 50,000 frames", ours, 0.2, "s", True, note=note, runs=runs)]


def evaluation() -> list[Row]:
    """Evaluation time outside the network."""
    total, network = evaluation_overhead()
    note = f"{total:.1f} s in total, {network:.1f} s in the network"
    return [Row("evaluation time outside the network", 100 * (total - network) / total, 5.0, "%", True, note=note)]


ROWS: dict[str, Callable[[], list[Row]]] = {
    row.__name__: row
    for row in (resnet, bfloat16, swin, training_step, memory, loading, metrics, evaluation)
}  # fmt: skip


def print_table(rows: list[Row]) -> None:
    """Print one line per row."""
    table = Table(
        "row", "measured", "range of single runs", "target", "", "plain and ours", title="comparison with plain code"
    )
    for row in rows:
        spread = f"{row.spread[0]:.2f} to {row.spread[1]:.2f}" if row.spread and row.unit == "x" else ""
        if row.spread and row.unit != "x":
            spread = f"{row.spread[0]:,.0f} to {row.spread[1]:,.0f}"
        value = f"{row.value:,.0f}" if row.value >= 100 else f"{row.value:.2f}"
        bound = f"{'at most' if row.at_most else 'at least'} {row.target:g} {row.unit}"
        verdict = "[green]reached[/]" if row.reached else "[red]not reached[/]"
        table.add_row(row.name, f"{value} {row.unit}", spread, bound, verdict, row.note)
    Console(width=150).print(table)


def save(name: str, rows: list[Row]) -> None:
    """Replace the rows of this name in results.json."""
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    measured = {"torch": torch.__version__, "threads": torch.get_num_threads(), "rows": [asdict(row) for row in rows]}
    write_text(RESULTS, json.dumps({**results, name: measured}, indent=1) + "\n")


def main() -> None:
    """Measure the rows given on the command line, by default all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help=f"rows to measure, from {', '.join(ROWS)}")
    chosen = parser.parse_args().rows or list(ROWS)
    if unknown := set(chosen) - set(ROWS):
        parser.error(f"unknown row {', '.join(sorted(unknown))}: expected {', '.join(ROWS)}")
    rows = []
    for name in chosen:
        duration, measured = seconds(ROWS[name])
        print(f"{name}: measured in {duration:.0f} s", file=sys.stderr)
        rows += measured
        save(name, measured)
    print_table(rows)
    missed = [row.name for row in rows if not row.reached]
    if missed:
        names = "; ".join(missed)
        print(
            f"{len(missed)} of {len(rows)} rows miss their target: {names}. See docs/performance.md.", file=sys.stderr
        )
        raise SystemExit(1)


if __name__ == "__main__":
    main()
