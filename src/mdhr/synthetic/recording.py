"""A performance becomes a folder of JPEG frames, whole or not there at all."""

from functools import lru_cache
from pathlib import Path

from mdhr.data.video.frame_images import frame_name, write_frame
from mdhr.files.folders import atomic_folder
from mdhr.synthetic.head import HeadModel
from mdhr.synthetic.identity import Identity
from mdhr.synthetic.performance import Performance
from mdhr.synthetic.renderer import Renderer


def record(folder: Path, *, performance: Performance, identity_seed: int, size: int, zoom: float, quality: int) -> None:
    """Render a performance to ``00000.jpg``, ``00001.jpg``, ... in ``folder``, replacing what was there.

    Raises ``InputError`` where that cannot be done, with nothing left behind.
    """
    renderer, identity = renderer_of(size, zoom), identity_of(identity_seed)
    with atomic_folder(folder) as partial:
        for f in range(performance.num_frames):
            write_frame(partial / frame_name(f), renderer.frame(identity, performance, f), quality=quality)


def is_recorded(folder: Path, *, num_frames: int) -> bool:
    """Whether ``folder`` holds a whole video."""
    return folder.is_dir() and len(list(folder.glob("*.jpg"))) == num_frames


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
