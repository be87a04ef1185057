"""A performance becomes a folder of JPEG frames, whole or not there at all."""

import shutil
from functools import lru_cache
from pathlib import Path

import numpy as np
import simplejpeg

from mdhr.errors import InputError
from mdhr.synthetic.head import HeadModel
from mdhr.synthetic.identity import Identity
from mdhr.synthetic.performance import Performance
from mdhr.synthetic.renderer import Renderer


def record(folder: Path, *, performance: Performance, identity_seed: int, size: int, zoom: float, quality: int) -> None:
    """Render a performance to ``00000.jpg``, ``00001.jpg``, ... in ``folder``, replacing what was there.

    The frames are written to a hidden folder that takes its name at the end. Raises ``InputError`` where that cannot
    be done, with nothing left behind.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    renderer, identity = renderer_of(size, zoom), identity_of(identity_seed)
    try:
        for leftover in (partial, folder):
            if leftover.exists():
                shutil.rmtree(leftover)
        partial.mkdir(parents=True)
        for f in range(performance.num_frames):
            write_frame(partial / frame_name(f), renderer.frame(identity, performance, f), quality=quality)
        partial.rename(folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise InputError(
            f"cannot write {folder}: {error.strerror or error}; mend that and start again, whole videos are kept"
        ) from error


def is_recorded(folder: Path, *, num_frames: int) -> bool:
    """Whether ``folder`` holds a whole video."""
    return folder.is_dir() and len(list(folder.glob("*.jpg"))) == num_frames


def write_frame(path: Path, frame: np.ndarray, *, quality: int) -> None:
    """Write an RGB frame ``(S, S, 3)`` uint8 as JPEG."""
    path.write_bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(frame), quality=quality))


def frame_name(frame: int) -> str:
    """``00012.jpg``."""
    return f"{frame:05d}.jpg"


# Costly to make and shared by many videos: each process keeps the head, one renderer and the latest identities.
_head = lru_cache(maxsize=1)(HeadModel.load)


@lru_cache(maxsize=1)
def renderer_of(size: int, zoom: float) -> Renderer:
    """This process's renderer for frames of that size."""
    return Renderer(head=_head(), size=size, zoom=zoom)


@lru_cache(maxsize=2)
def identity_of(seed: int) -> Identity:
    """The person of a seed, made once for videos that follow each other."""
    return _head().identity(seed)
