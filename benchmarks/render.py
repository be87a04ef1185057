"""Benchmark of the renderer on one core.

Run `python benchmarks/render.py [--size 160] [--frames 200] [--style general] [--head ict]`.
"""

import argparse
import time

import numpy as np
import simplejpeg

from mdhr.action_units import BP4D
from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.general_acting import GeneralClipSimulator
from mdhr.synthetic.heads import HEAD_NAMES, cached_head
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


def general_clips(num_frames: int, *, clip_length: int = 25) -> list[FaceAnimation]:
    """Return clips of the general style with at least ``num_frames`` frames together, as the data set contains them."""
    simulator = GeneralClipSimulator(BP4D)
    seeds = range(-(-num_frames // clip_length))
    clips = [simulator.simulate(rng=np.random.default_rng(s), num_frames=clip_length, stride=3) for s in seeds]
    return [simulator.with_identity(clip, seed) for seed, clip in enumerate(clips)]


def main() -> None:
    """Print the seconds per identity and the frames per second, with and without JPEG encoding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=160, help="height and width of a frame in pixels")
    parser.add_argument("--texture", type=int, default=512, help="height and width of the texture in pixels")
    parser.add_argument("--frames", type=int, default=200, help="number of frames to render")
    parser.add_argument("--style", choices=("bench", "general"), default="bench", help="style of the clips")
    parser.add_argument("--head", choices=HEAD_NAMES, default=HEAD_NAMES[0], help="head model")
    arguments = parser.parse_args()
    head = cached_head(arguments.head)
    renderer = Renderer(head=head, size=arguments.size)
    make_identity(head, seed=0, texture_size=arguments.texture)
    start = time.process_time()
    identity = [make_identity(head, seed=seed, texture_size=arguments.texture) for seed in range(4)][-1]
    print(f"identity: {(time.process_time() - start) / 4:.3f} s on one core")
    general = arguments.style == "general"
    clips = general_clips(arguments.frames) if general else [busy_animation(arguments.frames)]
    num_frames = sum(clip.num_frames for clip in clips)
    renderer.frame(identity, clips[0], 0)
    for jpeg in (False, True):
        start = time.process_time()
        for clip in clips:
            for f in range(clip.num_frames):
                frame = renderer.frame(identity, clip, f)
                if jpeg:
                    simplejpeg.encode_jpeg(frame, quality=92)
        rate = num_frames / (time.process_time() - start)
        print(f"{arguments.size} px{' with JPEG' if jpeg else '':10}: {rate:.0f} frames/s on one core")


if __name__ == "__main__":
    main()
