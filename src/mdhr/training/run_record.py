"""What a run leaves behind for reports: ``metrics.json``, with everything needed to say where a number is from."""

import json
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from mdhr.files.atomic import write_text
from mdhr.training.metrics import table
from mdhr.training.module import ActionUnitModule

FILE = "metrics.json"


def test_record(module: ActionUnitModule, cfg: DictConfig) -> dict[str, Any]:
    """The test of ``module`` that has just ended, with the data, protocol, seed and code it comes from."""
    assert module.metrics is not None
    assert module.predictions is not None
    return {
        "data": cfg.data.name,
        "au_set": module.au_set.name,
        "protocol": cfg.data.protocol,
        "fold": cfg.data.fold,
        "seed": cfg.seed,
        "threshold": module.threshold,
        "git_commit": git_commit(),
        "command": command(),
        "num_frames": len(module.predictions.frame),
        **table(module.metrics, module.au_set.columns),
    }


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write ``metrics.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / FILE, json.dumps(record, indent=2, allow_nan=False) + "\n")


def read_record(folder: Path) -> dict[str, Any]:
    """What :func:`write_record` left there."""
    return json.loads((folder / FILE).read_text())


def git_commit() -> str | None:
    """Commit of the checkout this package runs from, ``-dirty`` if it differs from it; None outside of git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def command() -> str | None:
    """What this process was started with, one job's part of it in a multirun; None where it was not by Hydra."""
    if not HydraConfig.initialized():
        return None
    hydra = HydraConfig.get()
    return shlex.join(["python", "-m", f"mdhr.{hydra.job.config_name}", *hydra.overrides.task])
