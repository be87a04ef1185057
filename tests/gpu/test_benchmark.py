"""The benchmark of one GPU, on a CPU."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.support.paths import ROOT

BENCHMARK = [sys.executable, str(ROOT / "benchmarks/gpu.py")]


@pytest.mark.slow
def test_every_part_runs_on_a_cpu(tmp_path: Path) -> None:
    command = [*BENCHMARK, "--device", "cpu", "--quick", "--results", str(tmp_path / "results.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ((card, rows),) = json.loads((tmp_path / "results.json").read_text()).items()
    assert card in done.stdout
    tasks, variants = ("inference", "training step"), ("plain", "eager", "compiled", "CUDA graphs")
    throughput = [f"{task}, ResNet-10, 1 clips, float32, {variant}" for task in tasks for variant in variants]
    epoch = "epoch, ResNet-10, 1 clips, float32, 0 workers"
    assert list(rows) == [*throughput, epoch, f"data wait in {epoch}"]
    for name in throughput:
        assert rows[name]["value"] > 0
        assert rows[name]["runs"]["peak MiB"][0] > 0
        # Without an upper limit: both rates vary on a busy host, and products of this size are far below the CPU's rate.
        assert rows[name]["runs"]["share of matrix products in %"][0] > 0
        assert ("x plain" in rows[name]["note"]) == ("plain" not in name)
    assert rows[epoch]["value"] > 0
    assert 0 <= rows[f"data wait in {epoch}"]["value"] < 100


@pytest.mark.skipif(torch.cuda.is_available(), reason="requires a machine without CUDA")
def test_one_line_without_a_gpu() -> None:
    done = subprocess.run(BENCHMARK, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "No CUDA device is available. To test the benchmark on a CPU, pass --device cpu --quick.\n"
