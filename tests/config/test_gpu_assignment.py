"""One GPU per process of a multirun. The GPUs are names in ``CUDA_VISIBLE_DEVICES``; nothing uses them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mdhr.config import gpu_assignment
from mdhr.config.gpu_assignment import VISIBLE_GPUS, take_free_gpu, visible_gpus
from tests.support.paths import ROOT

JOBS = """
import json, os, sys, time
from pathlib import Path
from mdhr.config.hydra_command import run_hydra_command

def task(cfg):
    started, job = time.time(), Path(f"job{cfg.seed}.json")
    job.touch()
    while len(list(Path().glob("job*.json"))) < 2:  # the first two jobs run at the same time
        time.sleep(0.05)
    time.sleep(0.3)
    entry = {"gpu": os.environ["CUDA_VISIBLE_DEVICES"], "process": os.getpid(), "start": started, "end": time.time()}
    job.write_text(json.dumps(entry))

sys.exit(run_hydra_command("train", task, ["-m", "hydra/launcher=joblib_gpus", "seed=1,2,3,4", *sys.argv[1:]]))
"""


@pytest.fixture
def multirun(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run four jobs with ``gpus`` as the visible GPUs."""

    def run(gpus: str, *overrides: str) -> subprocess.CompletedProcess[str]:
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        environment = {**os.environ, VISIBLE_GPUS: gpus, "TMPDIR": str(tmp_path), "PYTHONPATH": paths}
        command = [sys.executable, "-c", JOBS, *overrides]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)

    return run


@pytest.mark.slow
def test_two_jobs_never_share_a_gpu(multirun: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    done = multirun("GPU-a,5")
    assert done.returncode == 0, done.stderr
    jobs = [json.loads(path.read_text()) for path in sorted(tmp_path.glob("job*.json"))]
    assert len(jobs) == 4
    assert {job["gpu"] for job in jobs} == {"GPU-a", "5"}
    assert len({job["process"] for job in jobs}) == 2
    for a in jobs:
        for b in jobs:
            assert a is b or a["gpu"] != b["gpu"] or a["end"] <= b["start"] or b["end"] <= a["start"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gpus", "overrides", "message"),
    [
        ("GPU-a", ["hydra.launcher.n_jobs=2"], "hydra.launcher.n_jobs=2 is out of range: expected 1 to 1"),
        ("", [], "no GPU is visible"),
    ],
)
def test_more_jobs_than_gpus_are_refused(
    multirun: Callable[..., subprocess.CompletedProcess[str]], gpus: str, overrides: list[str], message: str
) -> None:
    done = multirun(gpus, *overrides)
    assert done.returncode in (2, 3), done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("0", ["0"]),
        ("2, 3", ["2", "3"]),
        ("", []),
        ("-1", []),
        ("1,-1,2", ["1"]),
        ("GPU-8f,MIG-1/2", ["GPU-8f", "MIG-1/2"]),
    ],
)
def test_visible_gpus_are_those_of_cuda(monkeypatch: pytest.MonkeyPatch, variable: str, expected: list[str]) -> None:
    monkeypatch.setenv(VISIBLE_GPUS, variable)
    assert visible_gpus() == expected


def test_all_gpus_are_visible_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VISIBLE_GPUS, raising=False)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    assert visible_gpus() == ["0", "1", "2"]


def test_a_process_waits_for_a_free_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, lock = take_free_gpu(["0", "1"], tmp_path)
    second, _other = take_free_gpu(["0", "1"], tmp_path)
    assert (first, second) == ("0", "1")
    monkeypatch.setattr(gpu_assignment.time, "sleep", lambda seconds: lock.release())
    assert take_free_gpu(["0", "1"], tmp_path)[0] == "0"
    assert capsys.readouterr().out == "waiting for one of the GPUs 0, 1\n"


def test_a_killed_process_frees_its_gpu(tmp_path: Path) -> None:
    code = "import os, sys; from pathlib import Path; from mdhr.config.gpu_assignment import take_free_gpu; "
    code += "taken = take_free_gpu(['0', '1'], Path(sys.argv[1])); print(taken[0], flush=True); os.kill(os.getpid(), 9)"
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (-9, "0\n"), done.stderr
    assert take_free_gpu(["0", "1"], tmp_path)[0] == "0"
