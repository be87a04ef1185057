"""Where training starts: resumed runs, runs that continue another run, and refused combinations."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from omegaconf import DictConfig

from mdhr.errors import InputError
from mdhr.training.run_start import RunStart, plan_start
from mdhr.training.training_run import train

Compose = Callable[..., DictConfig]
EPOCHS = "trainer.max_epochs=2"


@pytest.fixture(scope="module")
def incomplete(compose_smoke: Compose, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs whose last checkpoint is that of the first epoch."""
    run = tmp_path_factory.mktemp("incomplete") / "run"
    train(
        compose_smoke(run, EPOCHS, "callbacks.best.monitor=epoch", "callbacks.best.mode=min")
    )  # keeps the first epoch
    shutil.copy(run / "checkpoints" / "best.ckpt", run / "checkpoints" / "last.ckpt")
    (run / "metrics.json").unlink()
    return run


@pytest.fixture
def run(incomplete: Path, tmp_path: Path) -> Path:
    """A copy of the incomplete run in the folder that ``smoke`` uses."""
    return Path(shutil.copytree(incomplete, tmp_path / "run"))


BEST = ("callbacks.best.monitor=epoch", "callbacks.best.mode=min")


@pytest.mark.parametrize("requested", ["last", "auto"])
def test_a_run_resumes_with_the_settings_it_was_started_with(run: Path, smoke: Compose, requested: str) -> None:
    last = run / "checkpoints" / "last.ckpt"
    settings = (run / "settings.yaml").read_bytes()
    assert plan_start(smoke(EPOCHS, *BEST, f"ckpt_path={requested}")) == RunStart(last, is_new=False)
    for override, line in {
        "module.learning_rate=0.5": r"module\.learning_rate=\S+, not 0\.5",
        "data.fold=2": r"data\.fold=1, not 2",
        "trainer.max_epochs=1": r"trainer\.max_epochs=2, not 1",
        "seed=2": "seed=1, not 2",
    }.items():
        with pytest.raises(InputError, match=f"^{run} was started with {line}. Pass name="):
            train(smoke(EPOCHS, *BEST, f"ckpt_path={requested}", override))
    assert (run / "settings.yaml").read_bytes() == settings


def test_its_last_checkpoint_resumes_a_run(run: Path, smoke: Compose) -> None:
    last = run / "checkpoints" / "last.ckpt"
    assert plan_start(smoke(EPOCHS, *BEST, f"ckpt_path={last}")) == RunStart(last, is_new=False)


def test_a_checkpoint_of_another_run_starts_a_new_run(incomplete: Path, smoke: Compose, tmp_path: Path) -> None:
    file, new = incomplete / "checkpoints" / "last.ckpt", tmp_path / "run"
    train(smoke(EPOCHS, f"ckpt_path={file}"))
    assert yaml.safe_load((new / "settings.yaml").read_text())["started_from"] == str(file)
    train(smoke(EPOCHS, "ckpt_path=auto"))  # complete
    assert torch.load(new / "checkpoints" / "last.ckpt", weights_only=True)["epoch"] == 1
    assert (new / "checkpoints" / "best.ckpt").is_file()


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["ckpt_path={run}/checkpoints/best.ckpt"], r"best\.ckpt belongs to the run in .*Pass ckpt_path=last"),
        (["ckpt_path=last", "overwrite=true"], "resumes the run that overwrite=true replaces"),
        (["ckpt_path={run}/checkpoints/last.ckpt", "overwrite=true"], "resumes the run that overwrite=true replaces"),
        (["ckpt_path={run}/settings.yaml"], "contains a run"),
        ([], "contains a run"),
    ],
)
def test_a_contradiction_is_refused(run: Path, smoke: Compose, overrides: list[str], line: str) -> None:
    if "best.ckpt" in "".join(overrides):
        (run / "checkpoints" / "last.ckpt").unlink()
    with pytest.raises(InputError, match=line):
        plan_start(smoke(EPOCHS, *BEST, *(override.format(run=run) for override in overrides)))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"a text", "is a text file"),
        (b"\x80\x04\x95", "is a pickle"),
        ({"state_dict": [torch.zeros(1)], "mdhr_au_set": "BP4D"}, "was not written by mdhr train"),
        (
            "weights only",
            r"does not contain the state of a training \(pytorch-lightning_version is missing or damaged\)",
        ),
    ],
    ids=["text", "pickle", "list", "weights"],
)
def test_a_file_that_is_no_checkpoint_is_refused_in_one_line(
    incomplete: Path, smoke: Compose, tmp_path: Path, content: object, line: str
) -> None:
    file = tmp_path / "file.ckpt"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content == "weights only":
        complete = torch.load(incomplete / "checkpoints" / "last.ckpt", weights_only=True)
        torch.save({key: complete[key] for key in ("state_dict", "mdhr_au_set")}, file)
    else:
        torch.save(content, file)
    with pytest.raises(InputError, match=line) as raised:
        train(smoke(EPOCHS, f"ckpt_path={file}"))
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run" / "settings.yaml").exists()
