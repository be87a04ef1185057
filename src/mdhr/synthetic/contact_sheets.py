"""Contact sheets for the visual inspection of the renderer: identities, action units, poses, one clip, general style.

Inspect them after every change of the renderer. An observer should recognize each action unit in ``action_units.jpg``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from mdhr.action_units import BP4D
from mdhr.errors import InputError
from mdhr.files.atomic import write_bytes
from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.array_types import Image
from mdhr.synthetic.clip_simulator import ClipSimulator
from mdhr.synthetic.face_units import AUS
from mdhr.synthetic.general_acting import GeneralClipSimulator
from mdhr.synthetic.head import HeadModel
from mdhr.synthetic.identity import make_identity
from mdhr.synthetic.renderer import Renderer

MAX_BYTES = 300_000
IDENTITY_SEEDS = tuple(range(24))
ACTION_UNIT_SEEDS = (1, 20, 201)
CLIP_SEED = 9
GENERAL_SEEDS = tuple(range(200, 224))
GENERAL_FRAME = 12
COLUMNS = 8
ROTATIONS = ((-40, 0, 0), (-20, 0, 0), (20, 0, 0), (40, 0, 0), (0, -15, 0), (0, 15, 0))
"""Yaw, pitch, and roll in degrees."""
MOUTHS = ({26: 1.2, 25: 1.0}, {12: 1.0, 6: 1.0, 25: 1.0}, {12: 1.0, 26: 1.0, 25: 0.7}, {9: 1.0, 10: 1.0, 25: 1.0})
"""Intensity of each action unit in frames with an open mouth."""
GAZES = ((-1.0, 0.0), (1.0, 0.0), (0.0, -0.8), (0.0, 0.8))


def write_contact_sheets(folder: Path, *, head: HeadModel, size: int) -> Iterator[Path]:
    """Write ``identities``, ``action_units``, ``poses``, ``clip``, and ``general`` as JPEG files; yield each path.

    Frames have ``size`` pixels.

    Raises ``InputError`` if the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}. Choose another --out.") from error
    renderer = Renderer(head=head, size=size)
    sheets = {
        "identities": identity_sheet,
        "action_units": action_unit_sheet,
        "poses": pose_sheet,
        "clip": clip_sheet,
        "general": general_sheet,
    }
    for name, render in sheets.items():
        path = folder / f"{name}.jpg"
        write_bytes(path, encode_jpeg(render(renderer)))
        yield path


def identity_sheet(renderer: Renderer) -> Image:
    """Return 24 identities at rest, without an occurring action unit."""
    simulator, neutral = ClipSimulator(BP4D), FaceAnimation.neutral(1)
    frames = []
    for seed in IDENTITY_SEEDS:
        at_rest = replace(neutral, resting=simulator.resting_intensity(seed))
        frames.append(renderer.frame(make_identity(renderer.head, seed=seed), at_rest, 0))
    return tile(frames)


def action_unit_sheet(renderer: Renderer) -> Image:
    """Return three identities, each with a neutral face and with every action unit at intensity 1."""
    animation = FaceAnimation.neutral(len(AUS) + 1)
    for u in range(len(AUS)):
        animation.intensity[u + 1, u] = 1
    captions = ["neutral"] + [f"AU{au}" for au in AUS]
    frames = []
    for seed in ACTION_UNIT_SEEDS:
        identity = make_identity(renderer.head, seed=seed)
        frames += [add_caption(renderer.frame(identity, animation, f), text) for f, text in enumerate(captions)]
    return tile(frames)


def pose_sheet(renderer: Renderer) -> Image:
    """Return two identities with turned heads, closing eyes, open mouths, and averted gaze."""
    blinks = (0.5, 1.0)
    animation = FaceAnimation.neutral(len(ROTATIONS) + len(blinks) + len(MOUTHS) + len(GAZES))
    animation.rotation[: len(ROTATIONS)] = ROTATIONS
    first = len(ROTATIONS)
    animation.blink[first : first + len(blinks)] = blinks
    for f, mouth in enumerate(MOUTHS, start=first + len(blinks)):
        for au, intensity in mouth.items():
            animation.intensity[f, AUS.index(au)] = intensity
    animation.gaze[-len(GAZES) :] = GAZES
    identities = [make_identity(renderer.head, seed=seed) for seed in ACTION_UNIT_SEEDS[:2]]
    return tile(
        [renderer.frame(identity, animation, f) for identity in identities for f in range(animation.num_frames)]
    )


def clip_sheet(renderer: Renderer) -> Image:
    """Return 24 consecutive frames of a simulated clip, captioned with the occurring action units."""
    simulator = ClipSimulator(BP4D)
    animation = simulator.simulate(rng=np.random.default_rng(CLIP_SEED), num_frames=24, stride=4)
    animation = replace(animation, resting=simulator.resting_intensity(CLIP_SEED))
    labels = simulator.labels(animation)
    identity = make_identity(renderer.head, seed=CLIP_SEED)
    frames = []
    for f in range(animation.num_frames):
        frames.append(add_caption(renderer.frame(identity, animation, f), occurring(labels[f])))
    return tile(frames)


def general_sheet(renderer: Renderer) -> Image:
    """Return one frame of each of 24 clips of the general style, captioned with the occurring action units."""
    simulator = GeneralClipSimulator(BP4D)
    frames = []
    for seed in GENERAL_SEEDS:
        animation = simulator.simulate(rng=np.random.default_rng(seed), num_frames=GENERAL_FRAME + 1, stride=3)
        animation = simulator.with_identity(animation, seed)
        identity = make_identity(renderer.head, seed=seed)
        caption = occurring(simulator.labels(animation)[GENERAL_FRAME])
        frames.append(add_caption(renderer.frame(identity, animation, GENERAL_FRAME), caption))
    return tile(frames)


def occurring(labels: np.ndarray) -> str:
    """Return the numbers of the action units that occur according to labels ``(N,)`` of BP4D's set."""
    return " ".join(str(au) for au, label in zip(BP4D.aus, labels, strict=True) if label == 1)


def add_caption(image: Image, text: str) -> Image:
    """Return a copy with a caption in the upper left corner."""
    captioned = image.copy()
    for color, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(captioned, text, (5, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, color, thickness, cv2.LINE_AA)
    return captioned


def tile(images: Sequence[Image]) -> Image:
    """Return a grid of ``COLUMNS`` columns of images of the same size."""
    return np.vstack([np.hstack(images[k : k + COLUMNS]) for k in range(0, len(images), COLUMNS)])


def encode_jpeg(image: Image) -> bytes:
    """Return a JPEG file with the highest quality that fits ``MAX_BYTES``."""
    for quality in range(92, 20, -6):
        _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
        if len(data) <= MAX_BYTES:
            break
    return data.tobytes()
