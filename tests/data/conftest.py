"""Tiny prepared data set whose pixel values encode video and frame."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from mdhr.action_units import BP4D
from mdhr.data.datamodule import FaceVideoData
from mdhr.data.prepared.manifest import read_manifest, write_manifest

SIZE = 32
LENGTHS = {
    ("F001", "T1"): 9,
    ("F001", "T2"): 3,
    ("F002", "T1"): 8,
    ("F002", "T2"): 10,
    ("M001", "T1"): 7,
    ("M001", "T2"): 12,
    ("M002", "T1"): 4,
    ("M002", "T2"): 5,
    ("M003", "T1"): 6,
    ("M003", "T2"): 8,
}
FIRST_FRAME = 20


def color(video: int, position: int) -> np.ndarray:
    """Return the color of a frame: red encodes the video, green the frame, in steps larger than JPEG errors."""
    return np.array([video * 20 + 10, position * 16 + 10, 128], dtype=np.uint8)


def build_tree(root: Path, lengths: Mapping[tuple[str, str], int] = LENGTHS) -> pd.DataFrame:
    """Write frames and manifest with random labels, some of them missing."""
    rng = np.random.default_rng(0)
    rows = []
    for video, ((subject, task), length) in enumerate(lengths.items()):
        folder = root / "frames" / subject / task
        folder.mkdir(parents=True)
        for position in range(length):
            number = FIRST_FRAME + position
            image = np.broadcast_to(color(video, position), (SIZE, SIZE, 3))
            cv2.imwrite(str(folder / f"{number:05d}.jpg"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
            rows.append((subject, task, number, f"frames/{subject}/{task}/{number:05d}.jpg"))
    table = pd.DataFrame(rows, columns=["subject", "task", "frame", "path"])
    labels = pd.DataFrame(rng.choice([0, 1, -1], (len(rows), 12), p=[0.5, 0.4, 0.1]), columns=list(BP4D.columns))
    table = pd.concat([table, labels.astype(np.int8)], axis=1)
    folds = {1: ["F001"], 2: ["F002", "M001"], 3: ["M002", "M003"]}
    write_manifest(root, table, name="tiny", au_set=BP4D, fps=25, size=SIZE, folds=folds, settings={})
    return table


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tiny")
    build_tree(root)
    return root


@pytest.fixture
def make_data(tiny: Path) -> Callable[..., FaceVideoData]:
    """Return a function that creates data modules of the tiny data set."""
    settings = {
        "source": partial(read_manifest, tiny),
        "au_set": BP4D,
        "protocol": "honest",
        "fold": 1,
        "num_frames": 4,
        "crop_size": 24,
        "batch_size": 3,
        "seed": 5,
    }
    return lambda **changes: FaceVideoData(**{**settings, **changes})
