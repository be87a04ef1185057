"""Random changes of every file that is read: each reader succeeds, or raises ``InputError`` with one line.

``MDHR_FUZZ_EXAMPLES`` is the number of examples of each of the tests, by default 4. The examples are the same in every
run of a version of hypothesis.
"""

import io
import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig

from mdhr.action_units import BP4D
from mdhr.data.data_settings import build_data
from mdhr.data.dataset import SequentialClips
from mdhr.data.prepared.drop_list import without_dropped
from mdhr.data.prepared.manifest import TABLE, read_manifest
from mdhr.data.prepared.prepared_checks import check_prepared
from mdhr.data.releases.bp4d import read_occurrence
from mdhr.data.releases.disfa import read_intensity
from mdhr.data.releases.released_lists import read_released_lists
from mdhr.data.video.frame_images import read_frame, read_image
from mdhr.errors import InputError
from mdhr.files.checksums import file_checksum
from mdhr.files.yaml_files import read_yaml
from mdhr.inference.conversion import convert
from mdhr.inference.export import export
from mdhr.inference.model_description import read_run_description
from mdhr.inference.model_fingerprint import fixed_clips
from mdhr.inference.model_loading import load_model
from mdhr.network.checkpoints.timm_weights import read_weights
from mdhr.reporting.finished_runs import read_runs
from mdhr.reporting.html_report.page_writer import write_page
from mdhr.training.checkpoint_file import load_module
from mdhr.training.run_folder import read_settings, seen_subjects
from mdhr.training.training_run import train
from tests.support.mutations import CANARY, Content, contents, documents

fuzz = settings(
    max_examples=int(os.environ.get("MDHR_FUZZ_EXAMPLES", "4")),
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def run(compose_smoke: Callable[..., DictConfig], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a complete run."""
    folder = tmp_path_factory.mktemp("original") / "run"
    train(compose_smoke(folder, "trainer.max_epochs=1"))
    return folder


@pytest.fixture(scope="module")
def copied_run(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(run, tmp_path_factory.mktemp("copy") / "run"))


@pytest.fixture(scope="module")
def exported(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "model"
    export(run, folder, formats=["safetensors"])
    return folder


@pytest.fixture(autouse=True)
def _nothing_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    assert not (tmp_path / CANARY).exists()


def attempt(*readers: Callable[[], object]) -> None:
    """Call every reader; fail if it raises anything but ``InputError`` with one line."""
    for reader in readers:
        message = "none"
        try:
            reader()
        except InputError as error:
            message = str(error)
        assert message.isprintable(), repr(message)
        assert 0 < len(message) < 2000, repr(message)


def dump(document: Any) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def test_settings_of_runs(run: Path, copied_run: Path) -> None:
    file = copied_run / "settings.yaml"

    @fuzz
    @given(
        st.one_of(
            documents(read_settings(run)).map(lambda each: dump(each).encode()),
            contents((run / "settings.yaml").read_bytes()),
        )
    )
    def check(content: bytes) -> None:
        file.write_bytes(content)
        attempt(
            lambda: load_model(copied_run, device="cpu"),
            lambda: load_module(read_settings(copied_run), copied_run / "checkpoints/best.ckpt"),
            lambda: read_test_clip(copied_run),
            lambda: read_runs(copied_run),
        )

    check()
    shutil.copy(run / "settings.yaml", file)


def read_test_clip(folder: Path) -> object:
    data = build_data(read_settings(folder), where=folder / "settings.yaml")
    return next(iter(data.test_dataloader()))


def test_descriptions_of_runs(run: Path, copied_run: Path) -> None:
    file = copied_run / "model.yaml"

    @fuzz
    @given(
        st.one_of(
            documents(read_yaml(run / "model.yaml")).map(lambda each: dump(each).encode()),
            contents((run / "model.yaml").read_bytes()),
        )
    )
    def check(content: bytes) -> None:
        file.write_bytes(content)
        attempt(lambda: read_run_description(copied_run, read_settings(copied_run)))

    check()
    shutil.copy(run / "model.yaml", file)


def test_records_of_runs(run: Path, copied_run: Path, tmp_path: Path) -> None:
    record = json.loads((run / "metrics.json").read_text())
    subjects = json.loads((run / "subjects.json").read_text())

    @fuzz
    @given(
        st.one_of(documents(record).map(lambda each: json.dumps(each).encode()), contents(json.dumps(record).encode())),
        documents(subjects),
    )
    def check(content: bytes, changed: Any) -> None:
        (copied_run / "metrics.json").write_bytes(content)
        (copied_run / "subjects.json").write_text(json.dumps(changed))
        attempt(
            lambda: read_runs(copied_run),
            lambda: write_page(tmp_path / "report", runs=copied_run, experiments=tmp_path / "none"),
            lambda: seen_subjects(copied_run),
        )

    check()
    for name in ("metrics.json", "subjects.json"):
        shutil.copy(run / name, copied_run / name)


def test_checkpoints(run: Path, copied_run: Path, tmp_path: Path) -> None:
    file = copied_run / "checkpoints/best.ckpt"
    original = torch.load(run / "checkpoints/best.ckpt", weights_only=True)
    state = original["state_dict"]
    few = dict(list(state.items())[:6])
    tensors = st.sampled_from(
        [
            torch.tensor(1.0),
            torch.zeros(0),
            torch.zeros(2, 3),
            torch.ones(3, dtype=torch.complex64),
            torch.empty(2, device="meta"),
            torch.eye(2).to_sparse(),
            torch.zeros(1).expand(10**6, 10**6),
        ]
    )

    @st.composite
    def states(draw: st.DrawFn) -> bytes:
        changed = draw(documents({"state_dict": few, "mdhr_au_set": "BP4D", "epoch": 1}))
        if isinstance(changed, dict) and isinstance(changed.get("state_dict"), dict):
            if draw(st.booleans()):
                changed["state_dict"] = {**state, **changed["state_dict"]}
            if draw(st.booleans()):
                changed["state_dict"][draw(st.sampled_from([*few, "other"]))] = draw(tensors)
        stream = io.BytesIO()
        torch.save(changed, stream)
        return Content(stream.getvalue())

    @fuzz
    @given(st.one_of(states(), contents((run / "checkpoints/best.ckpt").read_bytes())))
    def check(content: bytes) -> None:
        file.write_bytes(content)
        shutil.rmtree(tmp_path / "converted", ignore_errors=True)
        attempt(
            lambda: load_module(read_settings(copied_run), file),
            lambda: read_weights(file),
            lambda: convert(file, tmp_path / "converted"),
        )

    check()
    shutil.copy(run / "checkpoints/best.ckpt", file)


def test_exported_models(exported: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(exported, tmp_path / "model"))
    config, weights = read_yaml(exported / "config.yaml"), (exported / "model.safetensors").read_bytes()

    @fuzz
    @given(documents(config).map(dump), st.one_of(st.just(weights), st.just(weights), contents(weights)))
    def check(content: str, changed: bytes) -> None:
        (copied / "config.yaml").write_text(content)
        (copied / "model.safetensors").write_bytes(changed)

        def score() -> object:
            model = load_model(copied, device="cpu")
            return model.score(fixed_clips(model.description))

        attempt(score, lambda: read_weights(copied / "model.safetensors"))

    check()


def test_prepared_data_sets(prepared: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(prepared, tmp_path / "prepared"))
    description, table = read_yaml(prepared / "prepared.yaml"), pd.read_parquet(prepared / TABLE)
    cells = st.sampled_from(
        [None, "", "\0", "a\nb", 3, -1, 2.5, float("nan"), 10**18, True, b"x", "../../../etc/passwd", "/dev/zero"]
    )

    @st.composite
    def tables(draw: st.DrawFn) -> bytes:
        changed = table.copy()
        for _ in range(draw(st.integers(0, 2))):
            column = draw(st.sampled_from(list(changed)))
            change = draw(st.sampled_from(["cell", "column", "drop", "rows", "lists"]))
            if change == "drop":
                changed = changed.drop(columns=column)
            elif change == "rows":
                changed = changed.iloc[: draw(st.integers(0, 3))]
            elif change == "lists":
                changed[column] = [[1, 2]] * len(changed)
            elif change == "column":
                changed[column] = draw(cells)
            else:
                changed[column] = changed[column].astype(object).map(str)
                changed.iloc[:1, changed.columns.get_loc(column)] = str(draw(cells))
        with suppress(Exception):  # pyarrow stores no columns of mixed types
            return changed.to_parquet(index=False)
        return b""

    @fuzz
    @given(
        documents(description),
        st.one_of(st.just((prepared / TABLE).read_bytes()), tables(), contents((prepared / TABLE).read_bytes())),
        st.booleans(),
    )
    def check(changed: Any, content: bytes, keep_checksum: bool) -> None:
        (copied / TABLE).write_bytes(content)
        if isinstance(changed, dict) and not keep_checksum:
            changed["sha256"] = file_checksum(copied / TABLE)
        (copied / "prepared.yaml").write_text(dump(changed))
        attempt(lambda: read_clips(copied), lambda: check_prepared(copied, BP4D, num_workers=1))

    check()


def read_clips(root: Path) -> object:
    manifest = read_manifest(root)
    clips = SequentialClips(
        videos=manifest.videos(), au_set=manifest.au_set, size=manifest.size, crop_size=32, num_frames=4
    )
    return clips[0]


def test_label_files(tmp_path: Path) -> None:
    occurrence = (
        "frame," + ",".join(map(str, BP4D.aus)) + "\n" + "".join(f"{i},{','.join('01' * 6)}\n" for i in range(9))
    )
    intensity = "".join(f"{i},{i % 6}\n" for i in range(1, 20))
    paths = "".join(f"F001/T1/{i}.jpg\n" for i in range(8))
    labels = ("0 1 0 9 " * 3 + "\n") * 8
    lists = tmp_path / "list"
    lists.mkdir()
    for kind, content in (("img_path", paths.replace("F001", "F002")), ("label", labels)):
        (lists / f"BP4D_test_{kind}_fold1.txt").write_text(content)

    @fuzz
    @given(
        st.tuples(*(contents(text.encode()) for text in (occurrence, intensity, paths, labels, "F001/T1: [1-3, 5]\n")))
    )
    def check(changed: tuple[bytes, ...]) -> None:
        for name, content in zip(
            ("o.csv", "i.txt", "list/BP4D_train_img_path_fold1.txt", "list/BP4D_train_label_fold1.txt", "drop.yaml"),
            changed,
            strict=True,
        ):
            (tmp_path / name).write_bytes(content)
        attempt(
            lambda: read_occurrence(tmp_path / "o.csv", BP4D),
            lambda: read_intensity(tmp_path / "i.txt"),
            lambda: read_released_lists(tmp_path, au_set=BP4D, fold=1, size=64, fps=25, image_folder=None),
        )
        manifest = None
        with suppress(InputError):
            manifest = read_released_lists(tmp_path, au_set=BP4D, fold=1, size=64, fps=25, image_folder=None)
        if manifest is not None:
            attempt(lambda: without_dropped(manifest, tmp_path / "drop.yaml").videos())

    check()


def test_images(tmp_path: Path) -> None:
    import cv2

    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    files = [cv2.imencode(suffix, image)[1].tobytes() for suffix in (".jpg", ".png", ".bmp", ".webp", ".tiff")]

    @fuzz
    @given(st.one_of(*map(contents, files)))
    def check(content: bytes) -> None:
        (tmp_path / "image").write_bytes(content)
        attempt(lambda: read_frame(str(tmp_path / "image"), 32), lambda: read_image(tmp_path / "image"))

    check()
