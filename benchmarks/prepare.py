"""Throughput of data preparation in frames per second on one core, by step: `python benchmarks/prepare.py`.

The inputs are rendered faces in frames of the size of BP4D (1040 x 1392, JPEG) and of DISFA (1024 x 768, MPEG-4 video).
"""

import argparse
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import torch

from mdhr.data.faces.detection import FaceDetector
from mdhr.data.faces.main_face import crop_track, track_main_face
from mdhr.data.video.frame_images import write_frame
from mdhr.data.video.frame_source import FrameSource, VideoFile
from mdhr.data.video.image_folder import ImageFolder
from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.anny_head import load_anny_head
from mdhr.synthetic.identity import make_identity
from mdhr.synthetic.renderer import Renderer

SIZE, QUALITY = 256, 95


def frames(num_frames: int, *, width: int, height: int, face: int) -> Iterator[np.ndarray]:
    """Yield frames of a slowly moving face on a noisy background."""
    rng = np.random.default_rng(0)
    head = load_anny_head()
    image = Renderer(head=head, size=256).frame(make_identity(head, seed=3), FaceAnimation.neutral(1), 0)
    image = cv2.resize(image, (face, face), interpolation=cv2.INTER_CUBIC)
    background = np.full((height, width, 3), 110, np.uint8)
    noise = rng.normal(0, 2, (height, width, 3)).astype(np.int8)
    for f in range(num_frames):
        frame = (background + noise).astype(np.uint8)
        x, y = int((width - face) / 2 + 30 * np.sin(f / 9)), int((height - face) / 2 + 15 * np.sin(f / 7))
        frame[y : y + face, x : x + face] = image
        yield frame


def seconds(steps: Iterable[object]) -> float:
    """Return the processor time that the iteration takes."""
    start = time.process_time()
    for _ in steps:
        pass
    return time.process_time() - start


def measure(name: str, source: FrameSource, num_frames: int, folder: Path) -> None:
    """Print the time of every step of preparing the frames of ``source``."""
    detector = FaceDetector()
    small = [frame.downscaled(detector.longest_side).image for frame in source.frames()]
    detector(small[0])  # warm up
    track = track_main_face(source, detector=detector)
    faces = list(islice(crop_track(source, track, size=SIZE), 20))
    times = {
        "decode small": seconds(frame.downscaled(detector.longest_side) for frame in source.frames()),
        "detect": seconds(detector(image) for image in small),
        "decode, crop": seconds(crop_track(source, track, size=SIZE)),
        "encode, write": num_frames
        / len(faces)
        * seconds(write_frame(folder / "face.jpg", face, quality=QUALITY) for face in faces),
    }
    total = sum(times.values())
    crops_only = total - times["decode small"] - times["detect"]
    print(f"{name}: face found in {track.face_found.sum()} of {num_frames} frames")
    print(f"  with detection {num_frames / total:6.1f} frames/s, without {num_frames / crops_only:6.1f} frames/s")
    for step, value in times.items():
        print(f"  {step:14} {1e3 * value / num_frames:6.2f} ms per frame, {value / total:4.0%}")


def main() -> None:
    """Measure image folders and videos."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=200, help="number of frames")
    num_frames = parser.parse_args().frames
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = [f"{f}.jpg" for f in range(num_frames)]
        for file, frame in zip(names, frames(num_frames, width=1040, height=1392, face=760), strict=True):
            write_frame(folder / file, frame, quality=90)
        images = ImageFolder(folder, names, [f / 25 for f in range(num_frames)])
        measure("BP4D-sized images", images, num_frames, folder)
        with av.open(str(folder / "a.avi"), "w") as container:
            stream = container.add_stream("mpeg4", rate=20)
            stream.width, stream.height, stream.bit_rate = 1024, 768, 4_000_000
            for frame in frames(num_frames, width=1024, height=768, face=500):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
        measure("DISFA-sized video", VideoFile(folder / "a.avi"), num_frames, folder)


if __name__ == "__main__":
    main()
