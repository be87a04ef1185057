"""Rendering of an animation to a folder of JPEG frames."""

from functools import lru_cache
from pathlib import Path

from mdhr.data.video.frame_images import frame_name, write_frame
from mdhr.files.folders import atomic_folder
from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.head import HeadModel
from mdhr.synthetic.identity import Identity, make_identity
from mdhr.synthetic.renderer import Renderer


def render_video(
    folder: Path,
    *,
    head: HeadModel,
    animation: FaceAnimation,
    identity_seed: int,
    size: int,
    zoom: float,
    quality: int,
) -> None:
    """Render an animation to ``00000.jpg``, ``00001.jpg``, ... in ``folder``, which is replaced atomically.

    Raises ``InputError`` if the folder cannot be written.
    """
    renderer, identity = cached_renderer(head, size, zoom), cached_identity(head, identity_seed)
    with atomic_folder(folder, setting="data.root") as partial:
        for f in range(animation.num_frames):
            write_frame(partial / frame_name(f), renderer.frame(identity, animation, f), quality=quality)


def is_rendered(folder: Path, *, num_frames: int) -> bool:
    """Return whether ``folder`` contains a complete video."""
    return folder.is_dir() and len(list(folder.glob("*.jpg"))) == num_frames


@lru_cache(maxsize=2)
def cached_renderer(head: HeadModel, size: int, zoom: float) -> Renderer:
    """Return a renderer. Each process keeps the latest two, because consecutive subjects can have different heads."""
    return Renderer(head=head, size=size, zoom=zoom)


@lru_cache(maxsize=2)
def cached_identity(head: HeadModel, seed: int) -> Identity:
    """Return the identity of a seed. Each process keeps the latest two, because consecutive videos share them."""
    return make_identity(head, seed=seed)
