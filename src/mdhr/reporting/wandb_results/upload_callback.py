"""Upload of test results to Weights & Biases: tables, curves and a timeline.

Active with ``logger=wandb``. The training module logs the learning curves.
"""

import tempfile
from pathlib import Path
from typing import Any, cast

import pandas as pd
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import WandbLogger

from mdhr.action_units import MISSING
from mdhr.action_units.facs import au_name
from mdhr.data.provenance import is_rendered
from mdhr.reporting.figures.labeled_timeline import plot_labeled_video
from mdhr.reporting.wandb_results.precision_recall import precision_recall
from mdhr.training.frame_scores import prediction_table
from mdhr.training.metrics import confusion_counts
from mdhr.training.module import ActionUnitModule
from mdhr.training.run_record import command_line, git_commit


class WandbResults(Callback):
    """Callback that logs the results of a test to the wandb run, if there is one.

    Args:
        faces: whether to upload frames of the test video. None: only if they are rendered, because the licenses of face
            data sets usually do not permit uploads.
    """

    def __init__(self, *, faces: bool | None) -> None:
        self.faces = faces

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the results from the first process."""
        logger = next((each for each in trainer.loggers if isinstance(each, WandbLogger)), None)
        module = cast(ActionUnitModule, pl_module)
        if logger is None or not trainer.is_global_zero or module.predictions is None:
            return
        import wandb

        run = logger.experiment
        run.config.update({"git_commit": git_commit(), "command": command_line()}, allow_val_change=True)
        with tempfile.TemporaryDirectory() as folder:
            timeline = Path(folder) / "timeline.png"
            self._plot_timeline(timeline, trainer, module)
            run.log({**result_tables(module), "test/timeline": wandb.Image(str(timeline))})  # copies the file

    def _plot_timeline(self, path: Path, trainer: Trainer, module: ActionUnitModule) -> None:
        data = trainer.datamodule  # type: ignore[attr-defined]
        assert module.predictions is not None
        plot_labeled_video(
            path,
            data=data,
            predictions=prediction_table(module.predictions, data.videos("test"), module.au_set),
            threshold=module.threshold,
            with_frames=is_rendered(data.manifest.name) if self.faces is None else self.faces,
        )


def result_tables(module: ActionUnitModule) -> dict[str, Any]:
    """Return the wandb tables and charts of the last test by key."""
    import wandb

    assert module.predictions is not None
    assert module.metrics is not None
    scores, labels = module.predictions.scores, module.predictions.labels
    columns, metrics = module.au_set.columns, module.metrics
    aus = {"AU": list(columns), "name": [au_name(au) for au in module.au_set.aus]}
    counts = confusion_counts(scores >= module.threshold, labels)
    by_au = pd.DataFrame(aus | {
        "F1": metrics.f1, "F1 always-positive": metrics.baseline_f1, "AUC": metrics.auc, "accuracy": metrics.accuracy,
    })  # fmt: skip
    confusion = pd.DataFrame(aus | {
        name: counts[:, i]
        for i, name in enumerate(("true positive", "false positive", "true negative", "false negative"))
    })  # fmt: skip
    active, inactive, unknown = ((labels == value).sum(0) for value in (1, 0, MISSING))
    distribution = pd.DataFrame(aus | {
        "active": active, "inactive": inactive, "unknown": unknown, "rate": active / (active + inactive),
    })  # fmt: skip
    curves = precision_recall(scores, labels, columns)
    return {
        "test/by_action_unit": wandb.Table(dataframe=by_au),
        "test/f1": wandb.plot.bar(wandb.Table(dataframe=by_au[["AU", "F1"]]), "AU", "F1", title="F1, test fold"),
        "test/confusion": wandb.Table(dataframe=confusion),
        "test/labels": wandb.Table(dataframe=distribution),
        "test/rates": wandb.plot.bar(
            wandb.Table(dataframe=distribution[["AU", "rate"]]), "AU", "rate", title="share of active frames, test fold"
        ),
        "test/precision_recall": wandb.plot_table(
            vega_spec_name="wandb/area-under-curve/v0",
            data_table=wandb.Table(dataframe=curves),
            fields={"x": "recall", "y": "precision", "class": "au"},
            string_fields={"title": "precision against recall, test fold"},
        ),
    }
