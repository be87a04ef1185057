"""The page that wandb shows the runs on: ``mdhr wandb-workspace entity=me [save=true]``.

Says what the page holds; ``save=true`` saves it as a view of the project, which needs the network and an account. Needs
the extra ``workspaces``. What the panels show is logged by ``mdhr.reporting.wandb_results.upload_callback`` and by the module.
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
    """The page, one section a question; runs are grouped by sweep. Opens no connection.

    Raises ``InputError`` without the extra ``workspaces``.
    """
    try:
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of pydantic, about its code
            import wandb_workspaces.reports.v2 as panel
            import wandb_workspaces.workspaces as ws
    except ImportError as error:
        raise InputError("wandb's pages need an extra of this package: pip install -e '.[workspaces]'") from error

    def curves(*names: str, title: str) -> panel.LinePlot:
        return panel.LinePlot(title=title, x="epoch", y=list(names))

    precision = panel.CustomChart.from_table(
        "test/precision_recall_table",
        chart_fields={"x": "recall", "y": "precision", "class": "au"},
        chart_strings={"title": "precision against recall, test fold"},
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
        "A test video": [panel.MediaBrowser(media_keys=["test/timeline"], num_columns=1)],
        "Labels": [panel.WeavePanelSummaryTable(table_name="test/labels")],
        "Training": [
            curves("train/loss_epoch", "train/loss_au", "train/loss_region", title="loss"),
            curves("val/f1_mean", title="validation F1, mean"),
            curves("train/learning_rate", title="learning rate"),
        ],
        "Validation F1 of every action unit": [curves(f"val/f1/{column}", title=column) for column in au_set.columns],
    }
    return ws.Workspace(
        name=NAME,
        entity=entity,
        project=project,
        sections=[ws.Section(name=name, panels=panels, is_open=True) for name, panels in sections.items()],
        runset_settings=ws.RunsetSettings(groupby=[ws.Metric("Group")]),
    )


def save(page: "Workspace") -> None:
    """Save the page as a view of its project; raises ``InputError`` if nobody is logged in or wandb is not reached."""
    import wandb

    if not page.entity:
        raise InputError("entity is not set: say entity=<your name, or your team's, at wandb>")
    if not wandb.login(prompt=False):
        raise InputError("nobody is logged in at wandb: say `wandb login` first")
    try:
        page.save()
    except (wandb.Error, OSError, ValueError) as error:  # requests' errors are OSErrors
        raise InputError(f"wandb did not take the page: {' '.join(str(error).split())}") from error
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
