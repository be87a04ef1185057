"""Benchmark of the renderer on one core: `python benchmarks/render.py [--size 160] [--frames 200]`."""

import argparse
import time

import numpy as np
import simplejpeg

from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.anny_head import load_anny_head
from mdhr.synthetic.identity import make_identity
from mdhr.synthetic.renderer import Renderer


def busy_animation(num_frames: int) -> FaceAnimation:
    """Return an animation with blur and noise in which a third of the action units are active in every frame.

    This is more movement than in a simulated clip.
    """
    rng = np.random.default_rng(0)
    animation = FaceAnimation.neutral(num_frames)
    shape = animation.intensity.shape
    animation.intensity[:] = rng.random(shape) * (rng.random(shape) < 0.35)
    animation.rotation[:] = rng.normal(0, 6, animation.rotation.shape)
    animation.blur[:] = 0.5
    animation.noise[:] = 2.0
    return animation


def main() -> None:
    """Print the seconds per identity and the frames per second, with and without JPEG encoding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=160, help="height and width of a frame in pixels")
    parser.add_argument("--texture", type=int, default=512, help="height and width of the texture in pixels")
    parser.add_argument("--frames", type=int, default=200, help="number of frames to render")
    arguments = parser.parse_args()
    head = load_anny_head()
    renderer = Renderer(head=head, size=arguments.size)
    make_identity(head, seed=0, texture_size=arguments.texture)
    start = time.process_time()
    identity = [make_identity(head, seed=seed, texture_size=arguments.texture) for seed in range(4)][-1]
    print(f"identity: {(time.process_time() - start) / 4:.3f} s on one core")
    animation = busy_animation(arguments.frames)
    renderer.frame(identity, animation, 0)
    for jpeg in (False, True):
        start = time.process_time()
        for f in range(arguments.frames):
            frame = renderer.frame(identity, animation, f)
            if jpeg:
                simplejpeg.encode_jpeg(frame, quality=92)
        rate = arguments.frames / (time.process_time() - start)
        print(f"{arguments.size} px{' with JPEG' if jpeg else '':10}: {rate:.0f} frames/s on one core")


if __name__ == "__main__":
    main()
