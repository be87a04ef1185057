"""Overrides that Hydra would misread are refused by name."""

from pathlib import Path

import pytest

from mdhr.config import override_check
from mdhr.config.override_check import check_overrides, experiments_with_launcher, with_new_keys
from mdhr.errors import InputError


@pytest.mark.parametrize("override", ["=1", "data.batch_size=[1", "backbone=null", "logger=5"])
def test_a_wrong_override_is_named(override: str) -> None:
    with pytest.raises(InputError) as raised:
        check_overrides(["-m", "seed=1,2", "experiment=[smoke,table_3]", override])
    assert str(raised.value).startswith(override)


def test_a_launcher_in_an_experiment_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment/parallel.yaml").write_text("defaults:\n  - override /hydra/launcher: joblib\n")
    (tmp_path / "experiment/smoke.yaml").write_text("# hydra/launcher: joblib\n")
    monkeypatch.setattr(override_check, "CONF", tmp_path)
    assert experiments_with_launcher(["seed=1", "experiment=[smoke,parallel]"]) == ["parallel"]


def test_keys_of_a_new_action_unit_set_are_added():
    given = ["data.au_set={name: lab, aus: [1]}", "data.au_set.aus=[1]", "data.au_set.name=DISFA", "data/au_set=gft"]
    assert with_new_keys(given) == [f"++{given[0]}", f"++{given[1]}", *given[2:]]
