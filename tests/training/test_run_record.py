"""Provenance in the record of a run."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("overrides", "network"),
    [([], "mdhr"), (["network=backbone_only"], "backbone_only"), (["network.use_mfd=false"], "other")],
    ids=["default", "choice", "changed"],
)
def test_record_contains_the_choices_of_the_configuration(
    overrides: list[str],
    network: str,
    exit_status: Callable[..., int],
    prepared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = ["experiment=smoke", f"data.root={prepared}", "trainer.max_epochs=1"]
    assert exit_status("train", *settings, *overrides) == 0
    record = json.loads(Path("runs/smoke/metrics.json").read_text())
    assert record["choices"] == {
        "data": "synthetic",
        "backbone": "resnet50",
        "network": network,
        "experiment": "smoke",
    }
    assert record["command"].startswith("mdhr train experiment=smoke ")
    assert record["note"].startswith("rendered faces")
    assert set(record["seconds"]) == {"render", "train", "evaluate"}
    subjects = json.loads(Path("runs/smoke/subjects.json").read_text())
    assert subjects["test"] == ["F001", "M001"]
    assert sorted(subjects["train"] + subjects["val"]) == ["F002", "F003", "M002", "M003"]
