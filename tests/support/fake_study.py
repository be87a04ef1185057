"""Run folders of a study without training: ``settings.yaml`` and ``metrics.json``."""

import copy
from pathlib import Path
from typing import Any

from mdhr.action_units import BP4D
from mdhr.config.composition import compose_config
from mdhr.training.run_folder import result_affecting_config, write_settings
from mdhr.training.run_record import write_record


def demo_settings(network: str = "mdhr") -> dict[str, Any]:
    """Recorded settings of a run of the demo's recipe."""
    return result_affecting_config(compose_config("train", ["experiment=demo", f"network={network}"]))


def study_run(
    root: Path,
    settings: dict[str, Any],
    *,
    k: int = 5,
    weight: float = 0.01,
    fold: int,
    seed: int,
    f1: float,
    network: str = "mdhr",
) -> Path:
    """Write a finished run with the mean F1 ``f1``: AU1 is 0.1 above it, AU2 is 0.1 below it."""
    settings = copy.deepcopy(settings)
    for node in (settings["network"], settings["module"]["network"]):
        node.update({"temporal_radius": k} if "temporal_radius" in node else {})
    settings["module"]["region_weight"], settings["seed"], settings["data"]["fold"] = weight, seed, fold
    settings["data"]["module"]["fold"] = fold
    folder = root / f"run-{k}-{weight}-{fold}-{seed}"
    write_settings(folder, settings)
    by_au = {**dict.fromkeys(BP4D.columns, f1), "AU1": f1 + 0.1, "AU2": f1 - 0.1}
    write_record(folder, {"name": folder.name, "choices": {"network": network}, "data": settings["data"]["name"],
                          "au_set": "BP4D", "fold": fold,
                          "protocol": settings["data"]["protocol"], "seed": seed, "threshold": 0.5, "f1_mean": f1,
                          "auc_mean": 0.9, "baseline_f1_mean": 0.5, "git_commit": f"{'ab' * 20}-dirty", "f1": by_au,
                          "seconds": {"train": 60.0}})  # fmt: skip
    return folder
