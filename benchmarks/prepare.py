"""Frames a second of preparing, one core, and where the time goes: `python benchmarks/prepare.py [--frames 200]`.

Rendered faces are put into frames of BP4D's size (1040 x 1392, JPEG) and of DISFA's (1024 x 768, MPEG-4 video).
"""

import argparse
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import av
import cv2
import numpy as np
import torch

from mdhr.data.faces.cropping import crop_face
from mdhr.data.faces.detection import FaceDetector
from mdhr.data.faces.tracking import track_main_face
from mdhr.data.video.frame_images import write_frame
from mdhr.data.video.frame_source import FrameSource, ImageFolder, VideoFile
from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.anny_head import load_anny_head
from mdhr.synthetic.identity import make_identity
from mdhr.synthetic.renderer import Renderer

SIZE, QUALITY = 256, 95


def frames(num_frames: int, *, width: int, height: int, face: int) -> Iterable[np.ndarray]:
    """A face that moves a little, before a background with some grain."""
    rng = np.random.default_rng(0)
    head = load_anny_head()
    picture = Renderer(head=head, size=256).frame(make_identity(head, seed=3), FaceAnimation.neutral(1), 0)
    picture = cv2.resize(picture, (face, face), interpolation=cv2.INTER_CUBIC)
    background = np.full((height, width, 3), 110, np.uint8)
    grain = rng.normal(0, 2, (height, width, 3)).astype(np.int8)
    for f in range(num_frames):
        frame = (background + grain).astype(np.uint8)
        x, y = int((width - face) / 2 + 30 * np.sin(f / 9)), int((height - face) / 2 + 15 * np.sin(f / 7))
        frame[y : y + face, x : x + face] = picture
        yield frame


def seconds(steps: Iterable[object]) -> float:
    """Processor time that going through the steps takes."""
    started = time.process_time()
    for _ in steps:
        pass
    return time.process_time() - started


def measure(name: str, source: FrameSource, num_frames: int, folder: Path) -> None:
    """Print what preparing these frames takes, step by step."""
    detector = FaceDetector()
    detector(next(iter(source.frames()))[1])  # warm
    small = [frame.image for frame in source.downscaled_frames(detector.longest_side)]
    full = [frame for _, frame in source.frames()][:20]
    track = track_main_face(source, detector=detector)
    faces = [crop_face(frame, box, SIZE) for frame, box in zip(full, track.crop, strict=False)]
    share = num_frames / len(full)
    spent = {
        "decode small": seconds(source.downscaled_frames(detector.longest_side)),
        "find the face": seconds(detector(image) for image in small),
        "decode whole": seconds(source.frames()),
        "cut": share * seconds(crop_face(frame, box, SIZE) for frame, box in zip(full, track.crop, strict=False)),
        "encode, write": share * seconds(write_frame(folder / "face.jpg", face, quality=QUALITY) for face in faces),
    }
    total = sum(spent.values())
    crops_only = total - spent["decode small"] - spent["find the face"]
    print(f"{name}: face found in {track.face_found.sum()} of {num_frames} frames")
    print(f"  with detection {num_frames / total:6.1f} frames/s, without {num_frames / crops_only:6.1f} frames/s")
    for step, value in spent.items():
        print(f"  {step:14} {1e3 * value / num_frames:6.2f} ms a frame, {value / total:4.0%}")


def main() -> None:
    """Measure both kinds of release."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--frames", type=int, default=200)
    num_frames = arguments.parse_args().frames
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = [f"{f}.jpg" for f in range(num_frames)]
        for file, frame in zip(names, frames(num_frames, width=1040, height=1392, face=760), strict=True):
            write_frame(folder / file, frame, quality=90)
        measure(
            "BP4D-sized images", ImageFolder(folder, names, [f / 25 for f in range(num_frames)]), num_frames, folder
        )
        with av.open(str(folder / "a.avi"), "w") as container:
            stream = container.add_stream("mpeg4", rate=20)
            stream.width, stream.height, stream.bit_rate = 1024, 768, 4_000_000
            for frame in frames(num_frames, width=1024, height=768, face=500):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
        measure("DISFA-sized video", VideoFile(folder / "a.avi"), num_frames, folder)


if __name__ == "__main__":
    main()
