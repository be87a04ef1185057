"""Callback that writes the prediction table of the test fold."""

from pathlib import Path
from typing import cast

from lightning.pytorch import Callback, LightningModule, Trainer

from mdhr.config.ranges import Name
from mdhr.data.cross_data import CrossData
from mdhr.training.frame_scores import common_predictions, prediction_table, write_predictions
from mdhr.training.module import ActionUnitModule


class PredictionWriter(Callback):
    """Write the scores and labels of the test fold to a parquet file.

    Args:
        path: file to write. Columns: see :mod:`mdhr.training.frame_scores`.
    """

    def __init__(self, *, path: Name) -> None:
        self.path = Path(path)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the table in the first process."""
        module = cast(ActionUnitModule, pl_module)
        if trainer.is_global_zero and module.predictions is not None:
            videos = trainer.datamodule.videos("test")  # type: ignore[attr-defined]
            table = prediction_table(module.predictions, videos, module.au_set)
            if isinstance(trainer.datamodule, CrossData):  # type: ignore[attr-defined]
                table = common_predictions(table, trainer.datamodule.common_columns)  # type: ignore[attr-defined]
            write_predictions(self.path, table)
