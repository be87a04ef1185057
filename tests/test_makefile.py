"""The Makefile sets up what it needs by itself, once, and tells what it can do."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with just what the Makefile's installation depends on."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def _make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "-C", str(folder), f"PYTHON={sys.executable}", *arguments], capture_output=True, text=True
    )


@pytest.mark.parametrize("target", ["demo", "test", "lint", "data-synthetic", "train-demo", "figure-1", "table-3"])
def test_a_fresh_clone_is_set_up_first_and_only_once(clone: Path, target: str) -> None:
    first = _make(clone, "-n", target).stdout
    assert first.index("-m venv") < first.index("torch torchvision") < first.index("--editable")
    (clone / ".venv").mkdir()
    (clone / ".venv/.installed").touch()
    second = _make(clone, "-n", target).stdout
    assert "pip" not in second
    assert second.strip(), "what was asked for is still done"


def test_help_names_every_target_once() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z0-9%-]+):", text, flags=re.M))
    listed = [line.split()[0] for line in _make(ROOT, "help").stdout.splitlines() if not line.startswith("make")]
    assert sorted(listed) == sorted(targets)


def test_a_python_is_found_where_none_is_named(clone: Path) -> None:
    dry = subprocess.run(["make", "-C", str(clone), "-n", "setup"], capture_output=True, text=True).stdout
    assert re.search(r"^\S*/python\S* -c", dry.replace("\t", ""), flags=re.M), dry


def test_a_python_that_is_too_old_is_named_in_one_line(clone: Path) -> None:
    old = clone / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    failed = _make(clone, "setup", f"PYTHON={old}")
    assert failed.returncode != 0
    assert f"{old} is not Python 3.11 or later" in failed.stderr
    assert not (clone / ".venv").exists()


def test_an_experiment_is_all_its_folds_with_either_protocol(clone: Path) -> None:
    honest = _make(clone, "-n", "train-bp4d-swin-base").stdout
    assert re.search(r"mdhr cross-validate experiment=bp4d_swin_base *$", honest, flags=re.M)
    paper = _make(clone, "-n", "train-disfa-resnet50", "PROTOCOL=paper").stdout
    assert re.search(r"mdhr cross-validate experiment=disfa_resnet50 data\.protocol=paper$", paper, flags=re.M)


@pytest.mark.parametrize("name", ["my clip (1).mp4", "it's a $file.mp4", "$(a) `b` $$c.mp4", 'say "hi" \\ #1, é.mp4'])
def test_a_video_of_any_name_is_handed_to_the_demo(clone: Path, name: str) -> None:
    (clone / ".venv/bin").mkdir(parents=True)
    (clone / ".venv/.installed").touch()
    (clone / ".venv/bin/mdhr").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > arguments.txt\n')
    (clone / ".venv/bin/mdhr").chmod(0o755)
    assert _make(clone, "demo", f"VIDEO={name}").returncode == 0
    assert (clone / "arguments.txt").read_text() == f"demo\nvideo={name}\n"
    assert _make(clone, "demo").returncode == 0
    assert (clone / "arguments.txt").read_text() == "demo\n"


def test_a_figure_shows_rendered_faces_or_the_data_set_that_is_named(clone: Path) -> None:
    assert (
        "label-figures data=synthetic_disfa 'out=experiments/figure-2/${data.name}'"
        in _make(clone, "-n", "figure-2").stdout
    )
    real = _make(clone, "-n", "figure-1", "DATA=bp4d", "SETTINGS=data.prepared=/faces").stdout
    assert "label-figures data=bp4d 'out=experiments/figure-1/${data.name}' data.prepared=/faces" in real


def test_a_table_is_prepared_then_run_then_made(clone: Path) -> None:
    prepare, store, sweep, table = _commands(clone, "table-3")
    data = "data=synthetic_bench"
    assert prepare == ["prepare", data, "if_missing=true"]
    assert store == ["store-features", "experiment=synthetic_small_resnet", data]
    experiment = "experiment=[synthetic_small_resnet,table_3]"
    assert sweep == ["train", "-m", experiment, data, "||", "test", "$?", "-eq", "3"]
    assert table == ["table", "table=3", data, "command='make table-3 DATA=synthetic_bench'"]


def test_the_ablation_has_a_run_without_the_auxiliary_loss_and_any_data_and_settings(clone: Path) -> None:
    asked = ("DATA=bp4d", "PROTOCOL=paper", "SEEDS=1,2", "LAUNCHER=joblib", "RUNS=/runs",
             "SETTINGS=data.root=/raw trainer.max_epochs=2")  # fmt: skip
    prepare, store, variants, no_loss, table = _commands(clone, "table-6", *asked)
    assert prepare == ["prepare", "data=bp4d", "if_missing=true", "data.root=/raw"], "what prepares data, no more"
    recipe = ["experiment=bp4d_resnet50", "data=bp4d"]
    assert store == ["store-features", *recipe, "data.root=/raw", "trainer.max_epochs=2"], "if the recipe stores any"
    common = ["data=bp4d", "data.protocol=paper", "seed=1,2", "hydra/launcher=joblib", "hydra.sweep.dir=/runs"]
    settings = ["data.root=/raw", "trainer.max_epochs=2", "||", "test", "$?", "-eq", "3"]
    start = ["train", "-m", "experiment=[bp4d_resnet50,table_6]", *common]
    assert variants == [*start, *settings]
    assert no_loss == [*start, "network=mdhr", "module.region_weight=0", *settings]
    again = 'make table-6 DATA=bp4d PROTOCOL=paper SEEDS=1,2 SETTINGS="data.root=/raw trainer.max_epochs=2"'
    assert table == [
        "table",
        "table=6",
        "data=bp4d",
        "data.protocol=paper",
        "runs=/runs",
        f"command='{again}'",
    ]


def test_stage_2_of_me_graphau_is_run_when_stage_1_has_ended(clone: Path) -> None:
    prepare, _, first, second, table = _commands(clone, "me-graphau", "SEEDS=1", "RUNS=/runs", "DATA=synthetic")
    common = ["data=synthetic", "seed=1", "hydra.sweep.dir=/runs", "||", "test", "$?", "-eq", "3"]
    assert prepare == ["prepare", "data=synthetic", "if_missing=true"]
    assert first == ["train", "-m", "experiment=[demo,me_graphau]", *common]
    assert second == ["train", "-m", "experiment=[demo,me_graphau_stage2]", *common]
    command = "command='make me-graphau DATA=synthetic SEEDS=1'"
    assert table == ["table", "table=me_graphau", "data=synthetic", "runs=/runs", command]


def _commands(folder: Path, *arguments: str) -> list[list[str]]:
    """Return the arguments of each ``mdhr`` command that make would run."""
    done = _make(folder, "-n", *arguments).stdout.replace("\\\n", " ")
    return [shlex.split(line)[1:] for line in done.splitlines() if line.startswith(".venv/bin/mdhr ")]
