"""Frames a second of loading training clips on one core: `python benchmarks/loader.py [--repeats 5]`.

Batches of 8 clips of 16 frames, 256 px cut to 224, with flip, brightness, contrast and saturation: by a plain loader
with Pillow (tests/plain/loader.py), by ours from the same JPEGs, and by ours from stored frames. Ours hand over uint8,
which is normalized where the network runs; the plain loader normalizes as it goes.
"""

import argparse
import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pandas as pd
import torch

from mdhr.action_units import BP4D
from mdhr.data.dataset import TrainingClips, collate_clips
from mdhr.data.prepared.frame_cache import StoredFrames, write_stored_frames
from mdhr.data.prepared.manifest import read_manifest, write_manifest
from mdhr.data.transforms import sample_augmentation
from mdhr.data.video.frame_images import frame_name, write_frame
from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.anny_head import load_anny_head
from mdhr.synthetic.identity import make_identity
from mdhr.synthetic.renderer import Renderer

SIZE, CROP, QUALITY, JITTER = 256, 224, 95, (0.6, 1.4)
VIDEOS, LENGTH, NUM_FRAMES, BATCH = 16, 24, 16, 8
PLAIN = Path(__file__).parents[1] / "tests" / "plain" / "loader.py"


def build(root: Path) -> int:
    """A prepared data set of rendered faces that move and have a little grain; gives the mean bytes of its JPEGs."""
    rng = np.random.default_rng(0)
    head = load_anny_head()
    renderer = Renderer(head=head, size=SIZE)
    rows, num_bytes = [], []
    for video in range(VIDEOS):
        face = renderer.frame(make_identity(head, seed=video), FaceAnimation.neutral(1), 0)
        folder = root / "frames" / f"S{video:02d}" / "T1"
        folder.mkdir(parents=True)
        for frame in range(LENGTH):
            turn = cv2.getRotationMatrix2D((SIZE / 2, SIZE / 2), 5 * np.sin(frame / 7), 1)
            moved = cv2.warpAffine(face, turn, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)
            grainy = np.clip(moved + rng.normal(0, 1, moved.shape), 0, 255).astype(np.uint8)
            path = folder / frame_name(frame)
            num_bytes.append(len(write_frame(path, grainy, quality=QUALITY)))
            rows.append((f"S{video:02d}", "T1", frame, path.relative_to(root).as_posix()))
    table = pd.DataFrame(rows, columns=["subject", "task", "frame", "path"])
    table[list(BP4D.columns)] = np.zeros((len(rows), len(BP4D.columns)), np.int8)
    folds = {1: ["S00"]}
    write_manifest(root, table, name="benchmark", au_set=BP4D, fps=25, size=SIZE, folds=folds, settings={})
    return round(statistics.mean(num_bytes))


def plain_loader() -> ModuleType:
    """The module of the plain loader, which is no part of the package."""
    specification = importlib.util.spec_from_file_location("plain_loader", PLAIN)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def measure_loading(repeats: int = 5) -> dict[str, list[float]]:
    """Frames a second of ``plain``, ``jpeg`` and ``memory_mapped``, turn by turn, one number a repeat."""
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    plain_clip = plain_loader().plain_clip
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "data"
        print(f"JPEGs of {build(root) / 1e3:.1f} kB")
        manifest = read_manifest(root)
        write_stored_frames(Path(folder) / "stored", manifest=manifest)
        videos = manifest.videos()
        settings = {"videos": videos, "au_set": BP4D, "num_frames": NUM_FRAMES, "seed": 0}
        settings |= {"size": SIZE, "crop_size": CROP, "jitter": JITTER}
        jpeg = TrainingClips(**settings)  # type: ignore[arg-type]
        stored = StoredFrames(Path(folder) / "stored", manifest=manifest)
        mapped = TrainingClips(**settings, stored_frames=stored)  # type: ignore[arg-type]

        def plain(epoch: int, index: int) -> torch.Tensor:
            rng = np.random.default_rng([epoch, index])
            start = int(rng.integers(LENGTH - NUM_FRAMES + 1))
            draw = sample_augmentation(rng, size=SIZE, crop_size=CROP, jitter=JITTER)
            return plain_clip(videos[index].paths[start : start + NUM_FRAMES], draw, CROP)

        loaders: dict[str, Callable[[int, int], object]] = {
            "plain": lambda epoch, first: torch.stack([plain(epoch, first + i) for i in range(BATCH)]),
            "jpeg": lambda epoch, first: collate_clips([jpeg[epoch, first + i] for i in range(BATCH)]),
            "memory_mapped": lambda epoch, first: collate_clips([mapped[epoch, first + i] for i in range(BATCH)]),
        }
        found: dict[str, list[float]] = {name: [] for name in loaders}
        for epoch in range(repeats + 1):
            for name, load in loaders.items():
                started = time.perf_counter()
                for first in range(0, VIDEOS, BATCH):
                    load(epoch, first)
                if epoch:  # the first one warms up
                    found[name].append(VIDEOS * NUM_FRAMES / (time.perf_counter() - started))
    torch.set_num_threads(threads[0])
    cv2.setNumThreads(threads[1])
    return found


def main() -> None:
    """Print a small table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repeats", type=int, default=5)
    found = measure_loading(arguments.parse_args().repeats)
    plain = statistics.median(found["plain"])
    for name, rates in found.items():
        median = statistics.median(rates)
        spread = f"{min(rates):.0f} to {max(rates):.0f}"
        print(f"{name:14} {median:7.0f} frames/s ({spread}), {median / plain:5.1f} times plain")


if __name__ == "__main__":
    main()
