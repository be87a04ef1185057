"""Tests of the wandb workspace."""

import pytest

from mdhr.action_units import DISFA
from mdhr.errors import InputError
from mdhr.reporting.wandb_results.workspace import save, workspace

NOWHERE = "http://127.0.0.1:9"


def test_every_action_unit_has_a_panel() -> None:
    page = workspace(entity="somebody", project="mdhr", au_set=DISFA)
    titles = [panel.title for section in page.sections for panel in section.panels if hasattr(panel, "title")]
    assert [title for title in titles if title and title.startswith("AU") and title != "AUC"][-8:] == list(
        DISFA.columns
    )
    assert page.runset_settings.groupby[0].name == "Group"


def test_saving_without_entity_raises() -> None:
    with pytest.raises(InputError, match="entity is not set"):
        save(workspace(entity="", project="mdhr", au_set=DISFA))


def test_saving_without_login_raises(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", NOWHERE)
    monkeypatch.setenv("NETRC", f"{tmp_path}/netrc")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    with pytest.raises(InputError, match="not logged in to wandb"):
        save(workspace(entity="somebody", project="mdhr", au_set=DISFA))
