"""Contact sheets of the rendered faces: `mdhr render-sheets` writes docs/pictures/.

Look at them after every change of the renderer: a person shown `action_units.jpg` should be able to name the units.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mdhr.action_units import BP4D
from mdhr.synthetic.acting import Actor
from mdhr.synthetic.face_units import AUS
from mdhr.synthetic.head import HeadModel
from mdhr.synthetic.performance import Performance
from mdhr.synthetic.renderer import Renderer

Picture = NDArray[np.uint8]

LARGEST_BYTES = 300_000
IDENTITIES = tuple(range(24))
ACTORS = (1, 20, 201)


def label(picture: Picture, text: str) -> Picture:
    """A copy with a caption in the upper left corner."""
    marked = picture.copy()
    for color, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(marked, text, (5, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, color, thickness, cv2.LINE_AA)
    return marked


def tile(pictures: Sequence[Picture], columns: int) -> Picture:
    """Rows of equally large pictures."""
    rows = [np.hstack(pictures[k : k + columns]) for k in range(0, len(pictures), columns)]
    return np.vstack(rows)


def save(picture: Picture, path: Path) -> None:
    """JPEG as good as fits into LARGEST_BYTES."""
    for quality in range(92, 20, -6):
        done, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
        if done and len(data) <= LARGEST_BYTES:
            break
    path.write_bytes(data.tobytes())


def identities(head: HeadModel, renderer: Renderer) -> Picture:
    """24 people at rest, none of them with an action unit that occurs."""
    actor, neutral = Actor(BP4D), Performance.neutral(1)
    resting = [replace(neutral, resting=actor.resting(seed)) for seed in IDENTITIES]
    pictures = [renderer.frame(head.identity(s), rest, 0) for s, rest in zip(IDENTITIES, resting, strict=True)]
    return tile(pictures, columns=8)


def action_units(head: HeadModel, renderer: Renderer) -> Picture:
    """Three people, at rest and with each action unit at intensity 1."""
    performance = Performance.neutral(len(AUS) + 1)
    for k in range(len(AUS)):
        performance.intensity[k + 1, k] = 1
    captions = ["neutral"] + [f"AU{au}" for au in AUS]
    pictures = []
    for seed in ACTORS:
        identity = head.identity(seed)
        frames = [renderer.frame(identity, performance, f) for f in range(performance.num_frames)]
        pictures += [label(frame, caption) for frame, caption in zip(frames, captions, strict=True)]
    return tile(pictures, columns=8)


def clip(head: HeadModel, renderer: Renderer, *, seed: int) -> Picture:
    """24 frames of one simulated clip in order of time, with the units that occur."""
    actor = Actor(BP4D)
    performance = actor.perform(rng=np.random.default_rng(seed), num_frames=24, stride=4)
    performance = replace(performance, resting=actor.resting(seed))
    occurring = actor.labels(performance).astype(bool)
    identity = head.identity(seed)
    pictures = []
    for f in range(performance.num_frames):
        units = " ".join(str(au) for au, on in zip(BP4D.aus, occurring[f], strict=True) if on)
        pictures.append(label(renderer.frame(identity, performance, f), units))
    return tile(pictures, columns=8)


def main(arguments: Sequence[str]) -> None:
    """Write the contact sheets."""
    parser = argparse.ArgumentParser(description="Write contact sheets of the rendered faces.")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--size", type=int, default=200, help="pixels of one frame")
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    head = HeadModel.load()
    renderer = Renderer(head=head, size=asked.size)
    sheets = {
        "identities": identities(head, renderer),
        "action_units": action_units(head, renderer),
        "clip": clip(head, renderer, seed=9),
    }
    for name, picture in sheets.items():
        save(picture, asked.out / f"{name}.jpg")
        print(f"{asked.out / name}.jpg")
