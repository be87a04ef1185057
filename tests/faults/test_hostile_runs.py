"""Run folders of strangers: every reader of a run refuses what Hydra would call, in one line, and calls nothing."""

import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from omegaconf import DictConfig, OmegaConf

from mdhr.data.data_settings import build_data
from mdhr.errors import InputError
from mdhr.inference.export import export
from mdhr.inference.model_loading import load_model
from mdhr.reporting.attention_report import write_attention_figure
from mdhr.reporting.finished_runs import read_runs
from mdhr.training.evaluation import evaluate
from mdhr.training.run_folder import read_settings
from mdhr.training.training_run import train
from tests.support.mutations import CALLS, CANARY, RESOLVERS

READ_NODES = (
    "network",
    "network.backbone",
    "network.au_set",
    "data.module",
    "data.module.source",
    "data.module.au_set",
    "module",
)
"""Nodes from which a reader builds an object."""
READ_VALUES = ("network.width", "network.backbone.name", "network.backbone.drop_path_rate", "network.backbone.options",
               "data.module.drop_list", "data.module.num_frames", "data.module.source.root", "module.betas",
               "module.threshold", "data.name", "seed")  # fmt: skip


@pytest.fixture(scope="module")
def trained(compose_smoke: Callable[..., DictConfig], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "run"
    train(compose_smoke(folder, "trainer.max_epochs=1"))
    return folder


@pytest.fixture
def run(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a copy of a run, in a working directory with files that would create the canary if they were loaded."""
    monkeypatch.chdir(tmp_path)
    write_hostile_files(tmp_path)
    OmegaConf.register_new_resolver("run_canary", lambda: Path(CANARY).touch(), replace=True)
    yield Path(shutil.copytree(trained, tmp_path / "run"))
    OmegaConf.clear_resolver("run_canary")
    assert not (tmp_path / CANARY).exists()


class _Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {CANARY}",)


def write_hostile_files(folder: Path) -> None:
    """Write the files that :data:`tests.support.mutations.CALLS` load."""
    (folder / "hostile.pickle").write_bytes(pickle.dumps(_Hostile()))
    np.save(folder / "hostile.npy", np.array([_Hostile()], dtype=object), allow_pickle=True)
    (folder / "hub").mkdir()
    (folder / "hub/hubconf.py").write_text(f"open({CANARY!r}, 'w')\ndef hostile(): pass\n")


def test_the_canary_is_created_by_what_the_readers_must_not_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this, the other tests could pass because the traps do not work."""
    from hydra.utils import instantiate

    monkeypatch.chdir(tmp_path)
    write_hostile_files(tmp_path)
    worked = []
    for call in CALLS:
        (tmp_path / CANARY).unlink(missing_ok=True)
        try:
            instantiate(OmegaConf.create(call))
        except Exception:  # Hydra blocks some of them
            continue
        worked += [call["_target_"]] if (tmp_path / CANARY).exists() else []
    assert {
        "jinja2.Template.render",
        "numpy.load",
        "pandas.read_pickle",
        "joblib.load",
        "torch.hub.load",
    } <= set(worked)


@pytest.fixture
def readers(
    run: Path, compose_evaluation: Callable[..., DictConfig], tmp_path: Path
) -> dict[str, Callable[[], object]]:
    figure = OmegaConf.create({"run": str(run), "out": str(tmp_path / "figure.png")})
    return {
        "load": lambda: load_model(run, device="cpu"),
        "export": lambda: export(run, tmp_path / "exported", formats=["safetensors"]),
        "attention": lambda: write_attention_figure(figure),
        "evaluate": lambda: evaluate(compose_evaluation(run)),
        "data": lambda: build_data(read_settings(run), where=run / "settings.yaml").setup(),
        "table": lambda: read_runs(run),
    }


def plant(run: Path, name: str, value: Any) -> None:
    """Set a setting of a run by its dotted name."""
    settings = yaml.safe_load((run / "settings.yaml").read_text())
    *parents, key = name.split(".")
    node = settings
    for parent in parents:
        node = node[parent]
    node[key] = value
    (run / "settings.yaml").write_text(yaml.safe_dump(settings))


def refusals(readers: dict[str, Callable[[], object]]) -> set[str]:
    """Return the readers that refuse the run; each with one line."""
    refused = set()
    for name, read in readers.items():
        try:
            read()
        except InputError as error:
            refused.add(name)
            message = str(error)
            assert message.isprintable(), message
            assert len(message) < 1000, message
    return refused


READERS_OF = {
    "network": {"load", "export", "attention", "evaluate"},
    "data": {"evaluate", "data"},
    "module": {"evaluate"},
}
"""Readers that must refuse a call in a part of the settings."""


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_no_reader_calls_a_node(
    run: Path, readers: dict[str, Callable[[], object]], trained: Path, number: int
) -> None:
    nodes = READ_NODES if os.environ.get("MDHR_FUZZ_EXAMPLES") else READ_NODES[number % len(READ_NODES) :][:1]
    for node in nodes:
        shutil.copy(trained / "settings.yaml", run / "settings.yaml")
        plant(run, node, CALLS[number])
        assert READERS_OF[node.partition(".")[0]] <= refusals(readers), node


@pytest.mark.slow
@pytest.mark.parametrize("name", READ_VALUES)
def test_no_reader_calls_a_value(run: Path, readers: dict[str, Callable[[], object]], name: str) -> None:
    plant(run, name, CALLS[len(name) % len(CALLS)])
    assert refusals(readers)


@pytest.mark.parametrize("number", range(len(RESOLVERS)))
def test_no_reader_resolves_an_interpolation(run: Path, readers: dict[str, Callable[[], object]], number: int) -> None:
    for name in ("network.backbone.name", "network.width"):
        plant(run, name, RESOLVERS[number])
        refused = refusals(readers)
        assert "load" in refused
        assert os.environ["HOME"] != load_message(run)


def load_message(run: Path) -> str:
    with pytest.raises(InputError) as raised:
        load_model(run)
    return str(raised.value)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("attention", ["run=run"]),
        ("evaluate", ["run=run"]),
        ("export", ["run", "--out", "exported", "--formats", "safetensors"]),
        ("predict", ["clip.mp4", "--checkpoint", "run", "--out", "scores"]),
    ],
)
def test_commands_refuse_a_hostile_run_in_one_line(
    run: Path, exit_status: Callable[..., int], capfd: pytest.CaptureFixture[str], command: str, arguments: list[str]
) -> None:
    (run.parent / "clip.mp4").touch()
    plant(run, "network.backbone", CALLS[3])
    assert exit_status(command, *arguments) == 2
    error = capfd.readouterr().err
    assert "Traceback" not in error
    assert "jinja2" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("data.num_frames", 10**9),
        ("data.module.num_frames", 10**9),
        ("data.crop_size", 32 * 10**6),
        ("data.module.crop_size", 32 * 10**6),
        ("network.backbone.input_size", 32 * 10**6),
        ("network.width", 10**9),
        ("network.backbone.options", {"channels": [10**6] * 4}),
        ("network.backbone.options", {"layers": [10**9] * 4}),
    ],
)
def test_sizes_beyond_memory_are_refused(
    run: Path, readers: dict[str, Callable[[], object]], name: str, value: Any
) -> None:
    plant(run, name, value)
    assert refusals(readers)


def test_pipes_in_place_of_files_are_refused(
    run: Path, readers: dict[str, Callable[[], object]], trained: Path
) -> None:
    for name in ("settings.yaml", "model.yaml", "metrics.json", "predictions.parquet", "checkpoints/best.ckpt"):
        (run / name).unlink()
        os.mkfifo(run / name)
        refusals(readers)
        (run / name).unlink()
        shutil.copy(trained / name, run / name)


def test_markup_in_names_is_escaped_in_the_report(run: Path, tmp_path: Path) -> None:
    from mdhr.reporting.html_report.page_writer import write_page

    script = "<script>alert(1)</script>"
    text = (run / "metrics.json").read_text()
    (run / "metrics.json").write_text(text.replace('"git_commit": "', f'"git_commit": "{script}'))
    plant(run, "data.name", script)
    hostile = run.rename(tmp_path / "<img src=x onerror=alert(1)>")
    page = write_page(tmp_path / "report", runs=hostile, experiments=tmp_path / "none").read_text()
    assert "<script>" not in page
    assert "<img src=x" not in page
