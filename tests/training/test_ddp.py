"""Two processes evaluate the same frames as one process: each frame exactly once."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from omegaconf import DictConfig
from torch import Tensor, distributed
from torch.multiprocessing.spawn import start_processes

from mdhr.action_units import BP4D
from mdhr.batch import ClipBatch
from mdhr.data.prepared.manifest import read_manifest, write_manifest
from mdhr.training.evaluation import evaluate
from mdhr.training.frame_scores import FrameScores, ScoredFrames
from mdhr.training.metrics import action_unit_metrics
from mdhr.training.training_run import train

NUM_AUS = 8


def segments(num: int) -> tuple[Tensor, ClipBatch]:
    """Return scores and segments of 4 frames. The last segment ends with padding."""
    generator = torch.Generator().manual_seed(0)
    frame = torch.arange(num * 4).reshape(num, 4)
    frame[-1, 2:] = -1
    au = torch.randint(-1, 2, (num, 4, NUM_AUS), generator=generator).to(torch.int8)
    au[-1, 2:] = -1
    clip = ClipBatch(
        frames=torch.empty(num, 4, 0), au=au, region=torch.empty(num, 4, 0), video=torch.arange(num) // 3, frame=frame
    )
    return torch.rand(num, 4, NUM_AUS, generator=generator), clip


def collect(indices: list[int]) -> ScoredFrames:
    scores, clip = segments(5)
    frame_scores = FrameScores(num_aus=NUM_AUS)
    for index in indices:
        frame_scores.update(scores[[index]], ClipBatch(*(None if part is None else part[[index]] for part in clip)))
    return frame_scores.compute()


def run_process(rank: int, folder: str, shares: list[list[int]]) -> None:
    distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    predictions = collect(shares[rank])
    torch.save(vars(predictions), f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


@pytest.mark.parametrize(
    "shares",
    [[[0, 2, 4], [1, 3, 0]], [[4, 3, 2, 1, 0], []], [[], []]],
    ids=["repeated-segment", "process-without-data", "no-data"],
)
def test_two_processes_gather_every_frame_once(shares: list[list[int]], tmp_path: Path):
    expected = collect([0, 1, 2, 3, 4] if any(shares) else [])
    assert len(expected.frame) == (18 if any(shares) else 0)
    start_processes(run_process, args=(str(tmp_path), shares), nprocs=2, start_method="fork")
    for rank in range(2):
        gathered = torch.load(tmp_path / f"{rank}.pt")
        assert all(torch.equal(gathered[name], value) for name, value in vars(expected).items())
        assert all(gathered[name].dtype == value.dtype for name, value in vars(expected).items())
    assert action_unit_metrics(expected.scores, expected.labels).num_frames.max() <= 18


@pytest.mark.slow
def test_two_process_run_equals_single_process_evaluation(
    prepared: Path, compose_evaluation: Callable[..., DictConfig], tmp_path: Path
):
    run = tmp_path / "two"
    settings = [
        "experiment=smoke",
        "trainer=ddp_cpu",
        f"data.root={prepared}",
        f"run_dir={run}",
        "trainer.max_epochs=1",
    ]
    subprocess.run(
        [sys.executable, "-m", "mdhr", "train", *settings, "trainer.check_val_every_n_epoch=1"],
        check=True,
        cwd=tmp_path,
        timeout=900,
    )
    two = json.loads((run / "metrics.json").read_text())
    one = evaluate(compose_evaluation(run))
    assert two["num_test_frames"] == one["num_test_frames"] == 30
    assert {key: two[key] for key in ("f1", "accuracy", "num_positive")} == {
        key: one[key] for key in ("f1", "accuracy", "num_positive")
    }
    pd.testing.assert_frame_equal(
        pd.read_parquet(run / "predictions.parquet"),
        pd.read_parquet(run / "evaluation" / "predictions.parquet"),
        atol=1e-6,
    )


@pytest.mark.slow
def test_more_processes_than_test_segments(
    prepared: Path,
    compose_smoke: Callable[..., DictConfig],
    compose_evaluation: Callable[..., DictConfig],
    tmp_path: Path,
) -> None:
    """One segment of 9 frames, two processes."""
    data, run = Path(shutil.copytree(prepared, tmp_path / "data")), tmp_path / "run"
    manifest = read_manifest(data)
    table = manifest.table.query("not subject.str.endswith('001') or (subject == 'F001' and task == 'T1')")
    write_manifest(data, table, name="noise", au_set=BP4D, fps=25, size=72, folds=manifest.folds, settings={})
    train(compose_smoke(run, f"data.root={data}", "trainer.max_epochs=1", "data.num_frames=9"))
    one = evaluate(compose_evaluation(run))
    out = tmp_path / "two"
    command = ["evaluate", f"run={run}", f"out={out}", "trainer=ddp_cpu"]
    subprocess.run([sys.executable, "-m", "mdhr", *command], check=True, cwd=tmp_path, timeout=300)
    two = json.loads((out / "metrics.json").read_text())
    assert two["num_test_frames"] == one["num_test_frames"] == 9
    assert two["f1"] == one["f1"]
