"""Test a checkpoint: ``mdhr evaluate checkpoint=... [experiment=...]``, see ``conf/evaluate.yaml``.

Leaves ``predictions.parquet`` and ``metrics.json`` in ``run_dir``.
"""

import time
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from lightning.pytorch import LightningDataModule
from omegaconf import DictConfig, OmegaConf

from mdhr.config.signals import stop_on_signals
from mdhr.config.validation import validate
from mdhr.training.checkpoint_file import load_module
from mdhr.training.run_record import make_record, write_record
from mdhr.training.training_run import build_trainer


def evaluate(cfg: DictConfig) -> dict[str, Any]:
    """Score the test fold and return what ``metrics.json`` says.

    Raises ``InputError`` for a wrong setting or data, and for a checkpoint of another network or action unit set.
    """
    validate(cfg)
    path = Path(cfg.checkpoint)
    module = load_module(cfg, path)
    data: LightningDataModule = instantiate(cfg.data.module, _convert_="all")
    trainer = build_trainer(cfg)
    started = time.perf_counter()
    with stop_on_signals():
        trainer.test(module, datamodule=data, verbose=False)
    record = {
        "name": cfg.name,
        **make_record(module, OmegaConf.to_container(cfg, resolve=True)),
        "checkpoint": str(path),
        "seconds": {"evaluate": time.perf_counter() - started},
    }
    if trainer.is_global_zero:
        write_record(Path(cfg.run_dir), record)
        print(f"metrics and predictions are in {cfg.run_dir}")
    return record
