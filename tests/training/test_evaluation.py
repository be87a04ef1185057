"""Evaluation of a run with its recorded settings."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml
from omegaconf import DictConfig
from sklearn.metrics import f1_score

from mdhr.errors import InputError
from mdhr.training.evaluation import evaluate
from mdhr.training.training_run import train

Compose = Callable[..., DictConfig]


@pytest.fixture(scope="module")
def trained(compose_smoke: Compose, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run."""
    run = tmp_path_factory.mktemp("trained") / "run"
    train(compose_smoke(run, "trainer.max_epochs=1"))
    return run


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of the run whose files a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def change_settings(run: Path, **changes: Any) -> None:
    """Replace settings by dotted name, with ``__`` for the dot."""
    settings = yaml.safe_load((run / "settings.yaml").read_text())
    for name, value in changes.items():
        *parents, key = name.split("__")
        node = settings
        for parent in parents:
            node = node[parent]
        node[key] = value
    (run / "settings.yaml").write_text(yaml.safe_dump(settings))


def test_evaluation_repeats_the_test_exactly(run: Path, compose_evaluation: Compose) -> None:
    recorded = (run / "metrics.json").read_bytes()
    again = evaluate(compose_evaluation(run))
    first = json.loads(recorded)
    same = ("data", "au_set", "protocol", "fold", "seed", "threshold", "f1", "auc", "num_test_frames")
    assert {key: again[key] for key in same} == {key: first[key] for key in same}
    pd.testing.assert_frame_equal(
        pd.read_parquet(run / "evaluation" / "predictions.parquet"), pd.read_parquet(run / "predictions.parquet")
    )
    assert json.loads((run / "evaluation" / "metrics.json").read_text()) == again
    assert (run / "metrics.json").read_bytes() == recorded


def test_adapted_batch_norm_scores_without_labels_and_differs(run: Path, compose_evaluation: Compose) -> None:
    """The statistics are those of a pass over the test clips in training mode; parameters and labels play no part."""
    adapted = evaluate(compose_evaluation(run, "adapt_batch_norm=true", f"out={run}/adapted"))
    plain = evaluate(compose_evaluation(run))
    assert adapted["adapted_batch_norm"] is True
    assert adapted["f1"] != plain["f1"]
    again = evaluate(compose_evaluation(run, "adapt_batch_norm=true", f"out={run}/adapted"))
    assert again["auc"] == adapted["auc"]
    with pytest.raises(InputError, match="contains an evaluation with adapt_batch_norm=True, not None"):
        evaluate(compose_evaluation(run, f"out={run}/adapted"))


def test_suffix_selects_test_subjects(run: Path, compose_evaluation: Compose) -> None:
    evaluate(compose_evaluation(run, "test_suffix=F001"))
    complete = pd.read_parquet(run / "predictions.parquet")
    expected = complete[complete["subject"].str.endswith("F001")].reset_index(drop=True)
    assert 0 < len(expected) < len(complete)
    pd.testing.assert_frame_equal(pd.read_parquet(run / "evaluation" / "predictions.parquet"), expected)
    with pytest.raises(
        InputError,
        match=r"^test_suffix=x: no test subject of noise has a name that ends in it; expected an ending of F001, M001\.$",
    ):
        evaluate(compose_evaluation(run, "test_suffix=x", f"out={run}/other"))


def test_overrides_of_threshold_data_and_checkpoint(
    run: Path, compose_evaluation: Compose, prepared: Path, tmp_path: Path
) -> None:
    moved = Path(shutil.copytree(prepared, tmp_path / "moved"))
    change_settings(run, data__module__source__root="nowhere")
    checkpoint = run / "checkpoints" / "last.ckpt"
    record = evaluate(
        compose_evaluation(
            run,
            "module.threshold=0.4",
            f"data.root={moved}",
            f"checkpoint={checkpoint}",
            "data.module.num_workers=1",
            f"out={tmp_path}/out",
        )
    )
    table = pd.read_parquet(tmp_path / "out" / "predictions.parquet")
    valid = table[table["label_AU7"] != -1]
    assert record["f1"]["AU7"] == pytest.approx(f1_score(valid["label_AU7"], valid["score_AU7"] >= 0.4))
    assert (record["threshold"], record["checkpoint"]) == (0.4, str(checkpoint))


def test_training_subjects_are_refused_unless_allowed(run: Path, compose_evaluation: Compose) -> None:
    line = (
        r"^data\.fold=2: .* used 2 of the 2 test subjects \(F002, M002\) for training\. .*allow_seen_subjects=true\.$"
    )
    with pytest.raises(InputError, match=line):
        evaluate(compose_evaluation(run, "data.fold=2"))
    assert not (run / "evaluation").exists()
    record = evaluate(compose_evaluation(run, "data.fold=2", "allow_seen_subjects=true"))
    assert record["fold"] == 2
    assert set(pd.read_parquet(run / "evaluation" / "predictions.parquet")["subject"]) == {"F002", "M002"}


def test_subjects_of_the_same_fold_that_the_run_used_are_refused(
    run: Path, compose_evaluation: Compose, prepared: Path, tmp_path: Path
) -> None:
    """The data set was prepared again with other folds."""
    other = Path(shutil.copytree(prepared, tmp_path / "other"))
    description = yaml.safe_load((other / "prepared.yaml").read_text())
    description["folds"][1], description["folds"][2] = ["F001", "M002"], ["M001", "F002"]
    (other / "prepared.yaml").write_text(yaml.safe_dump(description))
    with pytest.raises(InputError, match=r"^data\.fold=1: .* used 1 of the 2 test subjects \(M002\) for training"):
        evaluate(compose_evaluation(run, f"data.root={other}"))


def test_a_run_without_its_subjects_is_refused_unless_allowed(run: Path, compose_evaluation: Compose) -> None:
    (run / "subjects.json").unlink()
    with pytest.raises(InputError, match=r"subjects\.json does not list the training subjects"):
        evaluate(compose_evaluation(run))
    evaluate(compose_evaluation(run, "allow_seen_subjects=true"))


@pytest.mark.parametrize("setting", ["out", "run_dir"])
def test_the_folder_of_a_run_is_not_overwritten(run: Path, compose_evaluation: Compose, setting: str) -> None:
    before = (run / "metrics.json").read_bytes(), (run / "predictions.parquet").read_bytes()
    with pytest.raises(InputError, match=r"^out=.*run is the folder of a run"):
        evaluate(compose_evaluation(run, f"{setting}={run}"))
    assert ((run / "metrics.json").read_bytes(), (run / "predictions.parquet").read_bytes()) == before


def test_an_evaluation_does_not_replace_another_one(run: Path, compose_evaluation: Compose) -> None:
    record = evaluate(compose_evaluation(run))
    with pytest.raises(
        InputError, match=r"evaluation with module\.threshold=0\.5, not 0\.4\. Pass another out, or delete"
    ):
        evaluate(compose_evaluation(run, "module.threshold=0.4"))
    assert evaluate(compose_evaluation(run))["f1"] == record["f1"]
    (run / "evaluation" / "evaluation.yaml").unlink()
    with pytest.raises(InputError, match=r"contains results without evaluation\.yaml"):
        evaluate(compose_evaluation(run))


def test_an_evaluation_is_not_the_record_of_a_run(
    run: Path, compose_evaluation: Compose, compose_smoke: Compose, tmp_path: Path
) -> None:
    evaluate(compose_evaluation(run, f"out={tmp_path}/out"))
    with pytest.raises(InputError, match=r"out contains the results of mdhr evaluate"):
        train(compose_smoke(tmp_path / "out", "trainer.max_epochs=1", "ckpt_path=auto"))
    expected = json.loads((run / "metrics.json").read_text())
    shutil.copy(tmp_path / "out" / "metrics.json", run)
    repaired = train(compose_smoke(run, "trainer.max_epochs=1", "ckpt_path=auto"))
    assert repaired["f1"] == expected["f1"]
    assert repaired["validation_f1_mean"] == expected["validation_f1_mean"]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"network__backbone__name": "test_convnext"},
            r"is of another network: \d+ keys missing .* keys unexpected .*",
        ),
        ({"network__width": 24}, r"best\.ckpt is of another network: \d+ keys of another shape \(.*\)\. Choose the"),
        (
            {"network__au_set__name": "DISFA"},
            r"best\.ckpt was trained for the action units of BP4D, the data has those of DISFA",
        ),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_in_one_line(
    run: Path, compose_evaluation: Compose, changes: dict[str, Any], line: str
) -> None:
    change_settings(run, **changes)
    with pytest.raises(InputError, match=line) as raised:
        evaluate(compose_evaluation(run))
    assert "\n" not in str(raised.value)


def test_a_file_that_is_no_checkpoint_is_refused(run: Path, compose_evaluation: Compose, tmp_path: Path) -> None:
    content = (run / "checkpoints" / "best.ckpt").read_bytes()
    (tmp_path / "cut.ckpt").write_bytes(content[: len(content) // 2])
    torch.save({"model": torch.zeros(1)}, tmp_path / "other.ckpt")
    torch.save({"state_dict": [torch.zeros(1)], "mdhr_au_set": "BP4D"}, tmp_path / "list.ckpt")
    torch.save({"state_dict": {"a": 1}, "mdhr_au_set": "BP4D"}, tmp_path / "numbers.ckpt")
    torch.save({"state_dict": {}, "mdhr_au_set": ["BP4D"]}, tmp_path / "name.ckpt")
    (tmp_path / "text.ckpt").write_text("a text")
    (tmp_path / "pickle.ckpt").write_bytes(pickle.dumps(Path("a")))
    for name, line in {
        "list": "was not written by mdhr train",
        "numbers": "was not written by mdhr train",
        "name": "was not written by mdhr train",
        "text": "is a text file",
        "pickle": "is a pickle",
        "cut": r"cut\.ckpt. is truncated",
        "other": "was not written by mdhr train",
        "none": "does not exist",
    }.items():
        with pytest.raises(InputError, match=line) as raised:
            evaluate(compose_evaluation(run, f"checkpoint={tmp_path}/{name}.ckpt"))
        assert "\n" not in str(raised.value)


CALL = {"_target_": "os.system", "command": "touch called"}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"network___target_": "os.system"}, r"network\._target_=os\.system is not allowed"),
        ({"module___target_": "os.system"}, r"module\._target_=os\.system is not allowed"),
        ({"data__module___target_": "os.system"}, r"data\.module\._target_=os\.system is not allowed"),
        ({"data__module__source": CALL}, r"data\.module\.source\._target_=os\.system is not allowed"),
        ({"data__module__au_set": CALL}, r"data\.module\.au_set\._target_=os\.system is not allowed"),
        ({"data__module__drop_list": CALL}, r"data\.module\.drop_list is a dict: expected a number, a flag or a name"),
        ({"module__betas": CALL}, r"module\.betas is a dict: expected a number, a flag or a name"),
        ({"module__surprise": 1}, r"there is no setting module\.surprise"),
        ({"data__module__surprise": 1}, r"there is no setting data\.module\.surprise"),
        ({"module": "os.system"}, r"settings\.yaml: module=os\.system: should be a node of settings"),
        ({"data": {}}, r"settings\.yaml: data\.name is not set"),
        ({"data__fold": 0}, r"settings\.yaml: data\.fold=0: should be greater than or equal to 1"),
    ],
)
def test_settings_of_a_stranger_call_nothing(
    run: Path,
    compose_evaluation: Compose,
    changes: dict[str, Any],
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    change_settings(run, **changes)
    with pytest.raises(InputError, match=line) as raised:
        evaluate(compose_evaluation(run))
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "called").exists()


def test_evaluation_is_a_program(
    trained: Path,
    exit_status: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, "runs/smoke")
    assert exit_status("evaluate", "run=runs/smoke") == 0
    assert "F1" in capfd.readouterr().out
    assert Path("runs/smoke/evaluation/metrics.json").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs"]
    for arguments, line in (
        ([], "run is not set: set run=..."),
        (["run=runs/none"], "runs/none is not a run folder: it has no settings.yaml"),
        (
            ["run=runs/smoke", "module.threshold=2"],
            "module.threshold=2: should be 'as_trained', or should be less than",
        ),
        (["run=runs/smoke", "network.width=2"], "there is no setting network"),
    ):
        assert exit_status("evaluate", *arguments) == 2
        error = capfd.readouterr().err
        assert line in error
        assert error.count("\n") == 1
