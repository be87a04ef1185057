"""Benchmark against the plain reference on this machine: `make bench`, or `python benchmarks/bench.py [row ...]`.

Prints a table and updates benchmarks/results.json. The exit status is 1 if a row does not reach its target. Networks are
compared with the arithmetic limit: their operations at the rate of matrix products of this machine (roofline.py).
Values are ratios of medians. The runs of all sides alternate, so that other load on the machine affects each.
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
from networks import RESNET, SWIN, Runs, inference, seconds, training
from rich.console import Console
from rich.table import Table
from roofline import is_available

from mdhr.files.atomic import write_text

RESULTS = Path(__file__).with_name("results.json")
NETWORKS = str(Path(__file__).with_name("networks.py"))
REPEATS = 5
TOLERANCE = {"float32": 1e-5, "bfloat16": 5e-3}
"""Largest accepted difference of scores from those of the plain network in float32."""
RETURN_FREED_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "1000000", "MALLOC_TRIM_THRESHOLD_": "1000000"}
"""glibc settings: freed memory is returned to the system, so that the peak is the memory of live tensors."""


@dataclass
class Row:
    """One row of the table."""

    name: str
    value: float | None
    """Measured value, compared with the target; None if this machine cannot measure it."""
    target: float | None
    """None if the value is only reported."""
    unit: str
    at_most: bool = False
    """Whether the target is an upper bound."""
    spread: tuple[float, float] | None = None
    """Smallest and largest value of single runs."""
    note: str = ""
    runs: dict[str, list[float]] = field(default_factory=dict)

    @property
    def reached(self) -> bool:
        """Whether the target is reached, cannot be measured, or does not exist."""
        if self.value is None or self.target is None:
            return True
        return self.value <= self.target if self.at_most else self.value >= self.target


def limit_row(name: str, precision: str, target: float, measure: Callable[[], tuple[Runs, str]]) -> Row:
    """Return the share of the arithmetic limit that a network reaches, with the ratio to the plain network as a note.

    Args:
        measure: returns the runs and a further note.
    """
    name = f"{name}, {precision}"
    if not is_available(precision):
        return Row(name, None, target, "%", note=f"not available: the processor has no {precision} arithmetic")
    runs, note = measure()
    plain, ours, limit = (statistics.median(values) for values in (runs.plain, runs.ours, runs.limit))
    shares = [100 * least / mine for least, mine in zip(runs.limit, runs.ours, strict=True)]
    note = f"plain {plain:.2f} s, ours {ours:.2f} s ({plain / ours:.2f} x), limit {limit:.2f} s; {note}"
    return Row(name, 100 * limit / ours, target, "%", spread=(min(shares), max(shares)), note=note, runs=asdict(runs))


def inference_row(name: str, backbone: str, precision: str, *, target: float, compiled: bool = False) -> Row:
    """Return the row of inference on a clip of 16 frames at 224 px. Raises ``ValueError`` if the scores differ."""

    def measure() -> tuple[Runs, str]:
        runs, difference = inference(backbone, REPEATS, precision=precision, compiled=compiled)
        if difference > TOLERANCE[precision]:
            raise ValueError(f"{name}, {precision}: scores differ by {difference:.1e} from the plain network")
        return runs, f"scores differ by {difference:.1e}"

    return limit_row(f"inference, {name}{', compiled' if compiled else ''}", precision, target, measure)


def resnet() -> list[Row]:
    """Inference with ResNet-50."""
    targets = {"float32": 95.0, "bfloat16": 85.0}
    return [
        inference_row("ResNet-50", RESNET, precision, target=target, compiled=compiled)
        for precision, target in targets.items()
        for compiled in (False, True)
    ]


def swin() -> list[Row]:
    """Inference with Swin-Base."""
    targets = {"float32": 85.0, "bfloat16": 70.0}
    return [
        inference_row("Swin-Base", SWIN, precision, target=target, compiled=compiled)
        for precision, target in targets.items()
        for compiled in (False, True)
    ]


def training_row(name: str, backbone: str, precision: str, *, target: float) -> Row:
    """Return the row of training steps on one clip."""

    def measure() -> tuple[Runs, str]:
        runs, losses = training(backbone, REPEATS + 1, precision=precision)
        return runs, f"loss after {REPEATS + 1} steps {losses['plain']:.4f} and {losses['ours']:.4f}"

    return limit_row(f"training step, {name}", precision, target, measure)


def resnet_training() -> list[Row]:
    """Training steps with ResNet-50."""
    targets = {"float32": 80.0, "bfloat16": 65.0}
    return [training_row("ResNet-50", RESNET, precision, target=target) for precision, target in targets.items()]


def swin_training() -> list[Row]:
    """Training steps with Swin-Base."""
    targets = {"float32": 70.0, "bfloat16": 50.0}
    return [training_row("Swin-Base", SWIN, precision, target=target) for precision, target in targets.items()]


def memory() -> list[Row]:
    """Peak memory of a training process, minus that of a process that only imports the packages."""
    return [
        memory_row("default", "ours", target=80.0),
        memory_row("backbone.activation_checkpointing=true", "activation_checkpointing", target=60.0),
        memory_row("the same, freed memory returned", "activation_checkpointing", target=60.0, return_freed=True),
    ]


def memory_row(name: str, kind: str, *, target: float, return_freed: bool = False) -> Row:
    """Return ours as a percentage of plain, both with the same settings of the allocator."""
    nothing, plain, ours = (peak_megabytes(kind, return_freed) for kind in ("nothing", "plain", kind))
    return Row(
        f"peak memory of training, {name}", 100 * (ours - nothing) / (plain - nothing), target, "%", True,
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
    shares = [100 * jpeg / decoding for jpeg, decoding in zip(runs["jpeg"], runs["decoding"], strict=True)]
    return [
        Row(
            "training clips from JPEGs, share of decoding alone", 100 * rates["jpeg"] / rates["decoding"], 90.0, "%",
            spread=(min(shares), max(shares)), runs=runs,
            note="{jpeg:,.0f} of {decoding:,.0f} frames/s, plain loader {plain:,.0f}".format(**rates),
        ),
        Row(
            "training clips from stored frames", rates["memory_mapped"], 8000.0, "frames/s",
            spread=(min(runs["memory_mapped"]), max(runs["memory_mapped"])),
        ),
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
    for row in (resnet, swin, resnet_training, swin_training, memory, loading, metrics, evaluation)
}  # fmt: skip


def print_table(rows: list[Row], *, title: str = "comparison with plain code", note: str = "plain and ours") -> None:
    """Print one line per row. ``note`` is the heading of the notes."""
    table = Table("row", "measured", "range of single runs", "target", "", note, title=title)
    for row in rows:
        digits = 0 if row.value is None or row.value >= 100 else 1 if row.unit == "%" else 2
        spread = " to ".join(f"{value:,.{digits}f}" for value in row.spread or ())
        value = "not available" if row.value is None else f"{row.value:,.{digits}f} {row.unit}"
        bound = "" if row.target is None else f"{'at most' if row.at_most else 'at least'} {row.target:g} {row.unit}"
        verdict = "[green]reached[/]" if row.reached else "[red]not reached[/]"
        table.add_row(row.name, value, spread, bound, "" if row.value is None or not bound else verdict, row.note)
    Console(width=150).print(table)


def save(name: str, rows: list[Row]) -> None:
    """Replace the rows of this name in results.json."""
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    measured = {"torch": torch.__version__, "threads": torch.get_num_threads(), "rows": [asdict(row) for row in rows]}
    kept = {row: value for row, value in results.items() if row in ROWS}
    write_text(RESULTS, json.dumps({**kept, name: measured}, indent=1) + "\n")


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
