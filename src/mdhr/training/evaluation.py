"""Evaluation of a run: test one of its checkpoints again, with the settings that the run recorded."""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
import yaml
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from mdhr.config.command_schema import EvaluationSettings
from mdhr.config.processes import end_with_first_process, is_first_process
from mdhr.config.ranges import VALIDATION_F1
from mdhr.config.signals import stop_on_signals
from mdhr.config.validation import validate, validate_recorded
from mdhr.data.cross_data import CrossData, cross_data, prepared_folder
from mdhr.data.data_settings import build_data
from mdhr.data.datamodule import FaceVideoData
from mdhr.errors import InputError, listed
from mdhr.files.atomic import write_text
from mdhr.files.folder_lock import locked_folder
from mdhr.files.yaml_files import read_yaml
from mdhr.training.batch_norm_adaptation import adapt_batch_norm
from mdhr.training.checkpoint_file import load_module
from mdhr.training.module import ActionUnitModule
from mdhr.training.run_folder import SETTINGS_FILE, read_settings, seen_subjects
from mdhr.training.run_record import EVALUATION_FILE, METRICS_FILE, make_record, read_record, write_record
from mdhr.training.thresholds import threshold_record
from mdhr.training.trainer import build_trainer, distributed_deadline

AS_TRAINED = "as_trained"
"""Value of a setting of ``conf/evaluate.yaml`` that keeps the setting of the run."""


def evaluate(cfg: DictConfig) -> dict[str, Any]:
    """Test a checkpoint and return the record that is written to ``metrics.json`` in ``cfg.run_dir``.

    Raises ``InputError`` for wrong settings or data, for a checkpoint of another network, for test subjects that the
    run used in training (unless ``cfg.allow_seen_subjects``), and if ``cfg.run_dir`` is in use, is the folder of a run
    or contains another evaluation.
    """
    validate(cfg, EvaluationSettings)
    end_with_first_process()
    run, out = Path(cfg.run), Path(cfg.run_dir)
    settings = read_settings(run)
    validate_recorded(settings, where=run / SETTINGS_FILE)
    if out.resolve() == run.resolve() or (out / SETTINGS_FILE).exists():
        raise InputError(f"out={out} is the folder of a run. Pass another folder, such as out={run}/evaluation.")
    checkpoint = Path(cfg.checkpoint)
    module = load_module(settings, checkpoint)
    settings = override_settings(settings, OmegaConf.to_container(cfg, resolve=True))  # type: ignore[arg-type]
    if settings["module"]["threshold"] == VALIDATION_F1:
        module.thresholds = _stored_thresholds(run, module)
    else:
        module.threshold = settings["module"]["threshold"]
    data = build_data(settings, where=run / SETTINGS_FILE)
    trained_on = settings["data"]["name"]
    if cfg.test_data is not None:
        data = _other_data(data, settings, run, cfg.test_data)
        settings = {**settings, "data": {**settings["data"], "name": data.manifest.name}}
    is_other = cfg.test_data is not None and data.manifest.name.lower() != trained_on.lower()
    if not cfg.allow_seen_subjects and not is_other:
        check_unseen(data, run)
    if cfg.test_suffix:
        data.keep_test_subjects(cfg.test_suffix)
    trainer = build_trainer(
        cfg.trainer,
        run=out,
        callbacks=[instantiate(node) for node in (cfg.callbacks or {}).values()],
        loggers=[instantiate(node) for node in (cfg.logger or {}).values()],
    )
    with locked_folder(out, setting="out") if is_first_process() else nullcontext():
        if is_first_process():
            _claim(
                out,
                {
                    "run": os.path.relpath(run.resolve(), out.resolve()),
                    "checkpoint": os.path.relpath(checkpoint.resolve(), out.resolve()),
                    "test_data": None if cfg.test_data is None else str(prepared_folder(cfg.test_data)),
                    "data.root": settings["data"]["module"]["source"].get("root"),
                    "data.fold": settings["data"]["fold"],
                    "module.threshold": settings["module"]["threshold"],
                    "test_suffix": cfg.test_suffix or None,
                    "adapt_batch_norm": cfg.adapt_batch_norm or None,
                },
            )
        started = time.perf_counter()
        with stop_on_signals(), distributed_deadline(trainer):
            if cfg.adapt_batch_norm:
                adapt_batch_norm(module, data, cfg.trainer, run=out)
            trainer.test(module, datamodule=data, verbose=False)
        record = {
            "name": cfg.name,
            **make_record(module, settings),
            **threshold_record(module),
            **({"trained_on": trained_on} if isinstance(data, CrossData) else {}),
            **({"adapted_batch_norm": True} if cfg.adapt_batch_norm else {}),
            "checkpoint": str(checkpoint),
            "seconds": {"evaluate": time.perf_counter() - started},
        }
        if isinstance(data, CrossData):
            record = _common_results(record, data.common_columns)
        if trainer.is_global_zero:
            write_record(out, record)
            print(f"metrics and predictions are in {out}")
    return record


def _claim(out: Path, settings: Mapping[str, Any]) -> None:
    """Write ``evaluation.yaml``; raise ``InputError`` if ``out`` contains results of other settings."""
    path = out / EVALUATION_FILE
    if (out / METRICS_FILE).is_file():
        stored = read_yaml(path) if path.is_file() else None
        if not isinstance(stored, Mapping):
            raise InputError(f"out={out} contains results without {path.name}. Pass another out, or delete the folder.")
        different = next((key for key, value in settings.items() if stored.get(key) != value), None)
        if different:
            raise InputError(
                f"out={out} contains an evaluation with {different}={stored.get(different)}, not {settings[different]}. "
                "Pass another out, or delete the folder."
            )
    write_text(path, yaml.safe_dump(dict(settings), sort_keys=False))


def override_settings(settings: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a run with those of ``conf/evaluate.yaml`` that are not ``as_trained``.

    The settings of a run are resolved, so a value is replaced in every node that contains a copy of it.
    """
    data, changed = settings["data"], overrides["data"]
    module, source = {**data["module"], **_given(changed["module"])}, dict(data["module"]["source"])
    sizes = _given({key: changed[key] for key in ("fold", "batch_size")})
    module.update(sizes)
    if "fold" in source and "fold" in sizes:
        source["fold"] = sizes["fold"]
    if changed["prepared"] != AS_TRAINED:
        source["root"] = changed["prepared"]
    return {
        **settings,
        "data": {**data, **sizes, "module": {**module, "source": source}},
        "module": {**settings["module"], **_given(overrides["module"])},
    }


def check_unseen(data: FaceVideoData, run: Path) -> None:
    """Raise ``InputError`` if a test subject of ``data`` took part in the training or checkpoint selection of a run."""
    subjects = {video.subject for video in data.videos("test")}
    seen = sorted(subjects & seen_subjects(run))
    if seen:
        raise InputError(
            f"data.fold={data.fold}: {run} used {len(seen)} of the {len(subjects)} test subjects ({listed(seen)}) for "
            "training. Evaluate the test fold of the run, or pass allow_seen_subjects=true."
        )


def _other_data(data: FaceVideoData, settings: Mapping[str, Any], run: Path, name: str) -> CrossData:
    """Return all videos of another data set as test data, with the frame interval of the training clips."""
    root = prepared_folder(name)
    own = settings["data"]["module"]["source"].get("root")
    if own is not None and root.resolve() == Path(own).resolve():
        raise InputError(f"data={name} is the data set that {run} was trained with. Omit data to test its test fold.")
    description = read_yaml(run / "model.yaml") if (run / "model.yaml").is_file() else {}
    interval = description.get("frame_interval") if isinstance(description, Mapping) else None
    return cross_data(data, root, frame_interval=interval if isinstance(interval, float) else None)


def _common_results(record: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """Return the record of an evaluation without the values of action units that are not in ``columns``."""
    return {
        key: _common_results(value, columns)
        if key == "at_thresholds"
        else {au: value[au] for au in columns}
        if isinstance(value, Mapping) and set(columns) <= set(value)
        else value
        for key, value in record.items()
    }


def _stored_thresholds(run: Path, module: ActionUnitModule) -> torch.Tensor | None:
    """Return the thresholds that a run has chosen; None if it was not tested."""
    stored = read_record(run).get("thresholds") if (run / METRICS_FILE).is_file() else None
    if stored is None:
        return None
    try:
        return torch.tensor([float(stored[column]) for column in module.au_set.columns], dtype=torch.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{run / METRICS_FILE}: thresholds are incomplete. Pass module.threshold=0.5.") from error


def _given(overrides: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in overrides.items() if value != AS_TRAINED}
