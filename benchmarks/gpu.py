"""Benchmark of one GPU: `make bench-gpu`, or `python benchmarks/gpu.py [option ...]`.

For every network, task, batch size and precision, four variants are measured: the plain reference of
``tests/support/plain`` in eager mode, and MDHR in eager mode, compiled, and compiled with CUDA graphs. A row contains
frames per second, the share of the card's rate of matrix products (:mod:`roofline`), the peak memory and the ratio to the
plain reference. Further rows contain the time of an epoch with the data loader, and the share of it that is not spent in
steps.

Rows are added to benchmarks/results_gpu.json under the name of the card, after each measurement. A row replaces an
earlier one of the same name and card. Compiling takes a minute or more per row; the options select rows.
``--device cpu --quick`` runs every part in small on a CPU.
"""

import argparse
import gc
import itertools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import loader
import networks
import torch
from bench import Row, print_table
from gpu_epoch import epoch_seconds
from networks import NUM_FRAMES, RESNET, SWIN, clip, operations, our_network, plain_network, seconds, with_weights_of
from roofline import matrix_product_rate, synchronize
from torch import nn

from mdhr.action_units import BP4D
from mdhr.batch import ClipBatch
from mdhr.config.precision import has_bfloat16
from mdhr.files.atomic import write_text
from mdhr.network.optimization.batch_norm_folding import fold_batch_norm
from mdhr.network.optimization.bfloat16_weights import cast_weights
from mdhr.reporting.tables.cpu_measurement import peak_megabytes, processor
from mdhr.training.losses import ClipLoss

RESULTS = Path(__file__).with_name("results_gpu.json")
NETWORKS = {"ResNet-50": RESNET, "Swin-Base": SWIN}
TASKS = ("inference", "training step")
NUM_CLIPS = (8, 16, 32)
PRECISIONS = {"float32": (False, False), "TF32": (True, True), "bfloat16": (False, True)}
"""Whether the remaining float32 matrix products and convolutions are computed in TF32. PyTorch's default: (False, True)."""
VARIANTS: dict[str, dict[str, Any] | None] = {
    "plain": None,
    "eager": None,
    "compiled": {},
    "CUDA graphs": {"mode": "reduce-overhead"},
}
"""Arguments of ``torch.compile``; None in eager mode."""
operations_of_clip = cache(operations)


class Effort(NamedTuple):
    """Size of the benchmark."""

    repeats: int
    """Measurements of a row."""
    steps: int
    """Steps per measurement."""
    side: int
    """Rows of the matrices whose products are timed."""


FULL, QUICK = Effort(repeats=5, steps=10, side=8192), Effort(repeats=1, steps=1, side=256)


class Case(NamedTuple):
    """One row of the table."""

    network: str
    task: str
    num_clips: int
    precision: str
    variant: str

    @property
    def name(self) -> str:
        """Name of the row."""
        return f"{self.task}, {self.network}, {self.num_clips} clips, {self.precision}, {self.variant}"


def is_available(precision: str, device: torch.device) -> bool:
    """Return whether a device computes in this precision. CUDA devices have TF32 if they have bfloat16."""
    return precision == "float32" or (has_bfloat16(device) and (precision == "bfloat16" or device.type == "cuda"))


@contextmanager
def arithmetic(precision: str, device: torch.device) -> Iterator[None]:
    """Compute in this precision."""
    backends = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [backend.allow_tf32 for backend in backends]
    for backend, allowed in zip(backends, PRECISIONS[precision], strict=True):
        backend.allow_tf32 = allowed
    try:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            yield
    finally:
        for backend, allowed in zip(backends, before, strict=True):
            backend.allow_tf32 = allowed


def build_step(case: Case, backbone: str, device: torch.device, compile_options: dict[str, Any]) -> Callable[[], Any]:
    """Return a function that scores a batch on the device, or takes a training step with it."""
    network: Any = plain_network(backbone)
    if case.variant != "plain":
        network = with_weights_of(network, our_network(backbone))
    training = case.task != "inference"
    network.train(training)
    if case.variant != "plain" and not training:
        network = fold_batch_norm(network)
        if case.precision == "bfloat16":
            network = cast_weights(network)
    network.to(device)
    if VARIANTS[case.variant] is not None:
        network.compile(**compile_options)
    batch = ClipBatch(*(None if each is None else each.to(device) for each in clip(num_clips=case.num_clips)))
    if training:
        return partial(training_step(network, device, fused=case.variant != "plain"), batch)
    return torch.inference_mode()(lambda: network(batch.frames))


def training_step(network: nn.Module, device: torch.device, *, fused: bool) -> Callable[[ClipBatch], None]:
    """Return a function that takes a step of the paper's recipe on a batch."""
    loss = ClipLoss(num_aus=len(BP4D.aus), region_weight=0.01).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=5e-4, fused=fused)

    def step(batch: ClipBatch) -> None:
        scores, logits = network(batch.frames)[:2]
        loss(scores, tuple(logits), batch, None).total.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def measure(case: Case, backbone: str, device: torch.device, effort: Effort, compile_options: dict[str, Any]) -> Row:
    """Return the row of a case, without the ratio to the plain reference."""
    if not is_available(case.precision, device):
        return Row(case.name, None, None, "frames/s", note=f"the device has no {case.precision} arithmetic")
    release_memory(device)
    try:
        with arithmetic(case.precision, device):
            step = build_step(case, backbone, device, compile_options)

            def run(steps: int) -> None:
                for _ in range(steps):
                    torch.compiler.cudagraph_mark_step_begin()
                    step()
                synchronize(device)

            run(1 if effort.steps == 1 else 5)  # compiles, and records CUDA graphs
            taken = [seconds(lambda: run(effort.steps))[0] / effort.steps for _ in range(effort.repeats)]
            dtype = "bfloat16" if case.precision == "bfloat16" else "float32"
            rate = matrix_product_rate(dtype, device=device, side=effort.side)
    except torch.OutOfMemoryError:
        return Row(case.name, None, None, "frames/s", note="out of memory")
    flops = case.num_clips * operations_of_clip(backbone, training=case.task != "inference")
    shares, peak = [100 * flops / each / rate for each in taken], peak_memory(device)
    rates = [case.num_clips * NUM_FRAMES / each for each in taken]
    return Row(
        case.name, median(rates), None, "frames/s", spread=(min(rates), max(rates)),
        note=f"{median(shares):.0f} % of {rate / 1e12:.1f} TFLOP/s, {peak:,.0f} MiB",
        runs={"seconds per step": taken, "share of matrix products in %": shares, "peak MiB": [peak]},
    )  # fmt: skip


def release_memory(device: torch.device) -> None:
    """Free the memory of earlier cases, so that the peak is that of the next one."""
    torch.compiler.reset()
    gc.collect()
    if device.type != "cpu":
        torch.accelerator.empty_cache()
        torch.accelerator.reset_peak_memory_stats(device)


def peak_memory(device: torch.device) -> float:
    """Return the peak memory in MiB: of the tensors on an accelerator, of the whole process on a CPU."""
    return peak_megabytes() if device.type == "cpu" else torch.accelerator.max_memory_allocated(device) / 2**20


def throughput_rows(
    cases: Sequence[Case], backbones: dict[str, str], device: torch.device, effort: Effort, backend: str | None
) -> Iterator[Row]:
    """Yield the row of every case; the row of the plain reference comes before the rows that are compared with it."""
    plain: dict[Case, float] = {}
    for case in cases:
        options = {"backend": backend} if backend else VARIANTS[case.variant] or {}
        row = measure(case, backbones[case.network], device, effort, options)
        if row.value is not None and case.variant == "plain":
            plain[case] = row.value
        elif row.value is not None and (reference := plain.get(case._replace(variant="plain"))):
            row = replace(row, note=f"{row.note}, {row.value / reference:.2f} x plain")
        yield row


def epoch_rows(
    network: str, backbone: str, precision: str, device: torch.device, workers: int, quick: bool
) -> list[Row]:
    """Return the time of an epoch of 8 clips per step with the data loader, and the share of data wait."""
    if not is_available(precision, device):
        return []
    num_clips = 1 if quick else 8
    release_memory(device)
    with arithmetic(precision, device):
        ours = with_weights_of(plain_network(backbone), our_network(backbone)).train().to(device)
        step = training_step(ours, device, fused=True)
        epoch = epoch_seconds(step, device, num_clips=num_clips, num_workers=workers)
    name = f"epoch, {network}, {num_clips} clips, {precision}, {workers} workers"
    note = f"{epoch.num_steps} steps, {epoch.step:.3f} s each without loading"
    return [
        Row(name, epoch.total, None, "s", note=note, runs={"seconds": [epoch.total]}),
        Row(f"data wait in {name}", epoch.data_wait, None, "%", note=note, runs={"seconds per step": [epoch.step]}),
    ]


def save(path: Path, card: str, rows: Sequence[Row]) -> None:
    """Add rows to the results of a card."""
    results = json.loads(path.read_text()) if path.is_file() else {}
    for row in rows:
        results.setdefault(card, {})[row.name] = {"torch": torch.__version__, **asdict(row)}
    write_text(path, json.dumps(results, indent=1) + "\n")


def parse() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="device of PyTorch (default: cuda)")
    parser.add_argument("--quick", action="store_true", help="run every part in small, to test the benchmark")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--num-clips", nargs="+", type=int, default=list(NUM_CLIPS), help="clips per batch")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--workers", type=int, default=8, help="processes of the data loader (default: 8)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="file to add the rows to")
    return parser.parse_args()


def main() -> int:
    """Measure, print the table, and return the exit status."""
    options = parse()
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print(
            "No CUDA device is available. To test the benchmark on a CPU, pass --device cpu --quick.", file=sys.stderr
        )
        return 2
    backbones, effort, backend = NETWORKS, FULL, None
    if options.quick:
        networks.SIZE, networks.WIDTH, loader.VIDEOS = 64, 256, 2
        backbones, effort, backend = {"ResNet-10": "resnet10t"}, QUICK, "eager"
        options.networks, options.num_clips, options.precisions, options.workers = ["ResNet-10"], [1], ["float32"], 0
    card = processor() if device.type == "cpu" else torch.cuda.get_device_name(device)
    choices = (options.networks, options.tasks, options.num_clips, options.precisions, options.variants)
    rows = []
    for row in throughput_rows(
        list(itertools.starmap(Case, itertools.product(*choices))), backbones, device, effort, backend
    ):
        print(f"{row.name}: {row.note}", file=sys.stderr)
        save(options.results, card, [row])
        rows.append(row)
    for network, precision in itertools.product(options.networks, options.precisions):
        measured = epoch_rows(network, backbones[network], precision, device, options.workers, options.quick)
        save(options.results, card, measured)
        rows += measured
    note = "share of the rate of matrix products, peak memory, ratio"
    print_table(rows, title=f"{card}, PyTorch {torch.__version__}", note=note)
    return 0


if __name__ == "__main__":
    sys.exit(main())
