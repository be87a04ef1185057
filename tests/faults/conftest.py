"""Inputs of the commands that are killed or fail: rendered faces, a release, a trained run, a video."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.faults import Command, CommandServer
from tests.support.raw_trees import build_bp4d

RENDERED = (
    "data=synthetic",
    "data.prepare.num_subjects=3",
    "data.prepare.num_tasks=2",
    "data.prepare.num_frames=6",
    "data.prepare.size=64",
    "data.prepare.num_workers=1",
)
"""Settings of a data set that is rendered in a second."""
TRAINING = ("experiment=smoke", "data.protocol=paper", "trainer.max_epochs=2", "backbone.drop_path_rate=0.3")


@pytest.fixture(scope="session")
def trials() -> int:
    """Number of trials per case: MDHR_FAULT_TRIALS, by default 2."""
    return int(os.environ.get("MDHR_FAULT_TRIALS", "2"))


@pytest.fixture(scope="session")
def server() -> Iterator[CommandServer]:
    """Process that runs commands."""
    server = CommandServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def succeed(server: CommandServer) -> Callable[..., None]:
    """Run a command in a folder and fail if it fails."""

    def run(folder: Path, *arguments: str) -> None:
        (outcome,) = server.run(Command(arguments=arguments, folder=folder))
        assert outcome.status == 0, outcome.errors

    return run


@pytest.fixture(scope="session")
def rendered(succeed: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered data set of three subjects with two videos each."""
    folder = tmp_path_factory.mktemp("rendered")
    succeed(folder, "prepare", *RENDERED, "data.root=data")
    return folder / "data"


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BP4D release of three videos."""
    folder = tmp_path_factory.mktemp("release") / "bp4d"
    build_bp4d(folder, subjects=("F001", "F007", "M011"), tasks=("T1",), num_frames=4)
    return folder


@pytest.fixture(scope="session")
def run(succeed: Callable[..., None], rendered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a complete run."""
    folder = tmp_path_factory.mktemp("complete")
    succeed(folder, "train", *TRAINING, f"data.root={rendered}", "run_dir=run")
    return folder / "run"


@pytest.fixture(scope="session")
def writing_commands(rendered: Path, release: Path, run: Path) -> dict[str, Sequence[str]]:
    """Arguments of every command that writes files; all write to the folder ``out`` of the working directory."""
    train = [*TRAINING, f"data.root={rendered}"]
    videos = [str(rendered / "frames" / subject / "T1") for subject in ("S01", "S02")]
    frozen = [*train, "backbone.frozen=true", "data.module.jitter=[1,1]"]
    return {
        "prepare-rendered": ["prepare", *RENDERED, "data.root=out"],
        "prepare-release": ["prepare", "data=bp4d", f"data.root={release}", "data.prepared=out",
                            "data.prepare.size=64", "data.prepare.num_workers=1"],
        "check": ["check", f"data.root={rendered}", "out=out/problems.csv", "num_workers=1"],
        "label-figures": ["label-figures", f"data.root={rendered}", "out=out"],
        "store-frames": ["store-frames", f"data.root={rendered}", "data.module.frames=out/frames"],
        "store-features": ["store-features", *frozen, "data.module.features=out/features"],
        "train": ["train", *train, "run_dir=out", "ckpt_path=auto"],
        "train-wandb": ["train", *train, "logger=wandb", "run_dir=out", "ckpt_path=auto"],
        "evaluate": ["evaluate", f"run={run}", "trainer=cpu", "out=out"],
        "cross-validate": ["cross-validate", *train, "trainer.max_epochs=1", "folds=[1,2]", "run_dir=out"],
        "pretrain": ["pretrain", "run_dir=out/run", "weights=out/backbone.safetensors", "bank.root=out/bank",
                     "bank.num_identities=4", "bank.frames_per_identity=6", "bank.size=48", "bank.num_workers=1",
                     "data.crop_size=32", "data.batch_size=4", "data.frames_per_epoch=8",
                     "data.num_validation_identities=2", "data.num_workers=0", "trainer.max_epochs=2",
                     "trainer.accelerator=cpu"],
        "predict": ["predict", *videos, "--checkpoint", str(run), "--out", "out", "--device", "cpu", "--annotate"],
        "export": ["export", str(run), "--out", "out/exported"],
        "table": ["table", "table=3", "data=synthetic", "data.protocol=paper", f"runs={run.parent}", "out=out"],
        "report": ["report", f"runs={run.parent}", f"experiments={run.parent}", "out=out"],
        "attention": ["attention", f"run={run}", "out=out/attention.png"],
        "render-sheets": ["render-sheets", "--out", "out", "--size", "32"],
    }  # fmt: skip
