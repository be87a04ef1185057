"""Score the frames of one video with a trained network.

Letters: F frames of the video, T frames of a clip, N action units.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from mdhr.action_units import ActionUnitSet
from mdhr.data.dataset import clip_positions, segment_starts
from mdhr.data.face_crop import FILL
from mdhr.data.face_video import FaceTrack, crop_faces
from mdhr.data.transforms import normalise, resize
from mdhr.errors import InputError


@dataclass(frozen=True)
class ScoredVideo:
    """What a network says of the face in a video."""

    faces: np.ndarray
    """``(F, S, S, 3)`` uint8 RGB, the crops."""
    track: FaceTrack
    scores: np.ndarray
    """``(F, N)`` float32 in [0, 1]."""


def score_video(
    network: nn.Module, path: Path, *, size: int, zoom: float, num_frames: int, seconds_between: float, batch_size: int
) -> ScoredVideo:
    """Find the face of a video, crop it as the rendered faces are, and score every frame.

    Parameters
    ----------
    size: width and height of the crops, which are what the network sees; zoom: above 1 crops tighter.
    seconds_between: of neighbouring frames of a clip in training. A video with a higher frame rate is cut into clips
        that skip frames, so that movements have the speed that the network knows.

    Raises ``InputError`` that names the file if it cannot be read or shows no face.
    """
    faces, track = crop_faces(path, size=size, fill=FILL * zoom)
    between = float(np.median(np.diff(track.time))) if len(track.time) > 1 else seconds_between
    stride = max(1, round(seconds_between / between)) if between > 0 else 1
    scores = score_frames(network, faces, num_frames=num_frames, stride=stride, crop_size=size, batch_size=batch_size)
    return ScoredVideo(faces, track, scores)


def score_table(scored: ScoredVideo, au_set: ActionUnitSet, *, threshold: float) -> pd.DataFrame:
    """One row a frame: ``frame``, ``time_seconds``, ``face_found``, ``crop_*`` as in a manifest, ``score_AU1``, ...,
    then occurrence ``AU1``, ... by the threshold."""
    frames = pd.DataFrame({"frame": np.arange(len(scored.scores)), "time_seconds": scored.track.time.round(4)})
    frames["face_found"] = scored.track.face_found
    frames[["crop_x", "crop_y", "crop_size", "crop_roll"]] = scored.track.crop.round(2)
    scores = pd.DataFrame(scored.scores.round(5), columns=[f"score_{column}" for column in au_set.columns])
    active = pd.DataFrame((scored.scores >= threshold).astype(np.int8), columns=list(au_set.columns))
    return pd.concat([frames, scores, active], axis="columns")


@torch.inference_mode()
def score_frames(
    network: nn.Module, frames: np.ndarray, *, num_frames: int, stride: int, crop_size: int, batch_size: int
) -> np.ndarray:
    """``(F, N)`` float32 scores in [0, 1], one row for every frame: cut into clips as a test video is.

    Parameters
    ----------
    network: gives ``.scores`` ``B T N`` for ``B T 3 H W``; runs in eval mode, where its parameters are.
    frames: ``F H W 3`` uint8 RGB face crops, ``H = W``.
    num_frames: T. A last clip that is shorter is filled up with its last frame; what that scores is dropped.
    stride: distance in the video of neighbouring frames of a clip; the clips of a video are then interleaved.
    crop_size: width and height of what the network sees, in pixels.

    Raises ``InputError`` if there is no frame.
    """
    if not len(frames):
        raise InputError("no frame to score: the video is empty")
    device = next(network.parameters()).device
    pixels = resize(torch.from_numpy(frames).movedim(-1, -3), crop_size)  # F H W 3 -> F 3 H W
    clips = [
        clip_positions(start, num_frames=num_frames, stride=stride, length=len(frames))
        for start in segment_starts(len(frames), num_frames=num_frames, stride=stride)
    ]
    was_training = network.training
    network.eval()
    rows: list[torch.Tensor] = [torch.empty(0)] * len(frames)
    for first in range(0, len(clips), batch_size):
        batch = clips[first : first + batch_size]
        positions = torch.from_numpy(np.stack([positions for positions, _ in batch]))  # B T
        real = torch.from_numpy(np.stack([~padding for _, padding in batch]))
        scores = network(normalise(pixels[positions].to(device))).scores.float().cpu()
        for position, row in zip(positions[real].tolist(), scores[real], strict=True):
            rows[position] = row
    network.train(was_training)
    return torch.stack(rows).numpy()
