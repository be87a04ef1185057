"""Weights & Biases workspace with the runs of a project.

The panels show values logged by ``mdhr.reporting.wandb_results.upload_callback`` and by the training module. The extra
``workspaces`` is required.
"""

import warnings
from typing import TYPE_CHECKING

from hydra.utils import instantiate
from omegaconf import DictConfig

from mdhr.action_units import ActionUnitSet
from mdhr.errors import InputError

if TYPE_CHECKING:
    from wandb_workspaces.workspaces import Workspace

NAME = "action units"


def workspace(*, entity: str, project: str, au_set: ActionUnitSet) -> "Workspace":
    """Return the workspace with runs grouped by sweep. No connection is opened.

    Raises ``InputError`` if the extra ``workspaces`` is not installed.
    """
    try:
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # raised by pydantic
            import wandb_workspaces.reports.v2 as panel
            import wandb_workspaces.workspaces as ws
    except ImportError as error:
        raise InputError(
            "wandb workspaces require an extra. Install it with: pip install -e '.[workspaces]'"
        ) from error

    def curves(*names: str, title: str) -> panel.LinePlot:
        return panel.LinePlot(title=title, x="epoch", y=list(names))

    precision = panel.CustomChart.from_table(
        "test/precision_recall_table",
        chart_fields={"x": "recall", "y": "precision", "class": "au"},
        chart_strings={"title": "precision and recall, test fold"},
    )
    precision.chart_name = "wandb/area-under-curve/v0"
    results = [
        panel.BarPlot(title="F1, mean over action units", metrics=["test/f1_mean"]),
        panel.BarPlot(title="AUC, mean over action units", metrics=["test/auc_mean"]),
        panel.WeavePanelSummaryTable(table_name="test/by_action_unit"),
        panel.WeavePanelSummaryTable(table_name="test/confusion"),
        precision,
    ]
    sections = {
        "Test fold": results,
        "Test video": [panel.MediaBrowser(media_keys=["test/timeline"], num_columns=1)],
        "Labels": [panel.WeavePanelSummaryTable(table_name="test/labels")],
        "Training": [
            curves("train/loss_epoch", "train/loss_au", "train/loss_region", title="loss"),
            curves("val/f1_mean", title="validation F1, mean"),
            curves("train/learning_rate", title="learning rate"),
        ],
        "Validation F1 by action unit": [curves(f"val/f1/{column}", title=column) for column in au_set.columns],
    }
    return ws.Workspace(
        name=NAME,
        entity=entity,
        project=project,
        sections=[ws.Section(name=name, panels=panels, is_open=True) for name, panels in sections.items()],
        runset_settings=ws.RunsetSettings(groupby=[ws.Metric("Group")]),
    )


def save(page: "Workspace") -> None:
    """Save the workspace as a view of its project; raises ``InputError`` without login or connection."""
    import wandb

    if not page.entity:
        raise InputError("entity is not set. Set entity to your wandb user or team name.")
    if not wandb.login(prompt=False):
        raise InputError("not logged in to wandb. Run `wandb login` first.")
    try:
        page.save()
    except (wandb.Error, OSError, ValueError) as error:  # requests' errors are OSErrors
        raise InputError(f"wandb rejected the workspace: {' '.join(str(error).split())}") from error
    print(f"saved: {page.url}")


def create_workspace(cfg: DictConfig) -> None:
    """List the panels of the workspace, and save it if ``cfg.save`` is set."""
    page = workspace(entity=cfg.entity or "", project=cfg.project, au_set=instantiate(cfg.data.au_set))
    for section in page.sections:
        print(f"{section.name}: {len(section.panels)} panels")
    if not cfg.save:
        print("Not saved. Pass save=true entity=<name> to save it; wandb must be logged in.")
        return
    save(page)
