"""Record of a run: ``metrics.json`` with the results of its test and their provenance.

The file is written last and marks a run as complete.
"""

import json
import subprocess
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from lightning.pytorch import Callback

from mdhr.config.composition import compose_config
from mdhr.config.shell_command import shell_command
from mdhr.data.prepared.manifest import Manifest
from mdhr.data.provenance import RENDERED, is_rendered
from mdhr.errors import InputError
from mdhr.files.atomic import write_text
from mdhr.files.json_files import read_json
from mdhr.training.metrics import metrics_dict
from mdhr.training.module import ActionUnitModule

METRICS_FILE = "metrics.json"
EVALUATION_FILE = "evaluation.yaml"
"""Settings of an evaluation. A folder that contains it is no run, although it also contains ``metrics.json``."""
_ONLY_IN_RUNS = "validation_f1_mean"
"""Key of the record of a run that the record of an evaluation does not have."""
OTHER_NETWORK = "other"
"""Recorded choice of a network that is not one of ``conf/network``."""
_GROUPS = ("data", "backbone", "network", "experiment")
_NETWORK_SWITCHES = ("_target_", "use_mfd", "use_hsr", "use_tcn", "stage")
"""Settings that distinguish the files of ``conf/network``."""


class RecordCallback(Callback):
    """Callback that receives the record of a training run before it is written."""

    def check(self, settings: Mapping[str, Any], manifest: Manifest) -> None:
        """Raise ``InputError`` if the files cannot be written for these settings and data. Called before training."""

    @abstractmethod
    def on_record(self, run: Path, settings: Mapping[str, Any], record: Mapping[str, Any], manifest: Manifest) -> None:
        """Write files into the folder ``run``. Called once, in the first process, after the test."""


def make_record(module: ActionUnitModule, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results of the test that ``module`` has completed, with data, protocol, seed and code version.

    ``settings`` are the resolved settings of the run.
    """
    assert module.metrics is not None
    assert module.predictions is not None
    data = settings["data"]
    return {
        **({"note": RENDERED} if is_rendered(data["name"]) else {}),
        "data": data["name"],
        "au_set": module.au_set.name,
        "protocol": data["protocol"],
        "fold": data["fold"],
        "seed": settings["seed"],
        "threshold": module.threshold,
        "precision": module.trainer.precision,
        "git_commit": git_commit(),
        "command": command_line(),
        "num_test_frames": len(module.predictions.frame),
        **metrics_dict(module.metrics, module.au_set.columns),
    }


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write ``metrics.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / METRICS_FILE, json.dumps(record, indent=2, allow_nan=False) + "\n")


def is_complete(folder: Path) -> bool:
    """Return whether a folder contains the record of a run, and not that of an evaluation or a damaged one."""
    try:
        return _ONLY_IN_RUNS in read_record(folder)
    except (OSError, ValueError, TypeError):
        return False


def read_record(folder: Path) -> dict[str, Any]:
    """Return the content of ``metrics.json``; raises ``InputError`` if it cannot be read."""
    record = read_json(folder / METRICS_FILE)
    if not isinstance(record, dict):
        raise InputError(f"{folder / METRICS_FILE} is not the record of a run. Delete the folder and run it again.")
    return record


def config_choices(network: Mapping[str, Any]) -> dict[str, str]:
    """Return the names that were chosen for the groups ``data``, ``backbone``, ``network`` and ``experiment``.

    The network is recorded as ``"other"`` if overrides turned it into another one than its file in ``conf/network``
    describes. The dictionary is empty outside of a Hydra program.

    Args:
        network: resolved node ``network`` of the run.
    """
    if not HydraConfig.initialized():
        return {}
    chosen = HydraConfig.get().runtime.choices
    choices = {group: str(chosen[group]) for group in _GROUPS if chosen.get(group)}
    default = compose_config("train", [f"network={choices['network']}"]).network
    if any(network.get(switch) != default.get(switch) for switch in _NETWORK_SWITCHES):
        choices["network"] = OTHER_NETWORK
    return choices


def git_commit() -> str | None:
    """Return the commit of this checkout, with ``-dirty`` if files differ from it; None outside of a git checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def command_line() -> str | None:
    """Return the command of this run, in a multirun that of its job; None outside of a Hydra program."""
    if not HydraConfig.initialized():
        return None
    hydra = HydraConfig.get()
    return shell_command(["mdhr", str(hydra.job.config_name).replace("_", "-"), *hydra.overrides.task])
