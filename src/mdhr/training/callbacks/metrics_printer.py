"""Callback that prints the metrics of every action unit as a table."""

import math
from collections.abc import Sequence
from typing import cast

from lightning.pytorch import Callback, LightningModule, Trainer
from rich.console import Console
from rich.table import Table

from mdhr.training.metrics import ActionUnitMetrics
from mdhr.training.module import ActionUnitModule


class MetricsPrinter(Callback):
    """Print a table at the end of the test.

    Args:
        validation: also print a table at the end of every validation.
    """

    def __init__(self, *, validation: bool) -> None:
        self.validation = validation

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the table of the validation split, except in the sanity check."""
        if self.validation and not trainer.sanity_checking:
            self._print(trainer, pl_module, f"validation after epoch {trainer.current_epoch + 1}")

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the table of the test fold."""
        self._print(trainer, pl_module, "test")

    def _print(self, trainer: Trainer, pl_module: LightningModule, title: str) -> None:
        module = cast(ActionUnitModule, pl_module)
        if trainer.is_global_zero and module.metrics is not None:
            Console(width=100).print(metrics_table(module.metrics, module.au_set.columns, title=title))


def metrics_table(metrics: ActionUnitMetrics, columns: Sequence[str], *, title: str) -> Table:
    """Return a table with one row per action unit and a row of means. ``columns`` are the names of the action units.

    "rate" is the share of labeled frames with an occurrence. "F1 always-positive" is the F1 of the always-positive
    baseline. "-" is a value that no frame defines.
    """
    table = Table(
        "", "frames", "rate", "F1", "F1 always-positive", "AUC", "accuracy", title=title, title_justify="left"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    rates = metrics.num_positive / metrics.num_frames
    values = (rates, metrics.f1, metrics.baseline_f1, metrics.auc, metrics.accuracy)
    for n, name in enumerate(columns):
        table.add_row(name, str(metrics.num_frames[n].item()), *(_shown(value[n].item()) for value in values))
    table.add_section()
    means = (metrics.f1_mean, metrics.baseline_f1_mean, metrics.auc_mean, metrics.accuracy_mean)
    table.add_row("mean", "", "", *map(_shown, means))
    return table


def _shown(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"
