"""Score the frames of one video with a trained network.

Letters: F frames of the video, T frames of a clip, N action units.
"""

import numpy as np
import torch
from torch import nn

from mdhr.data.dataset import clip_positions
from mdhr.data.transforms import normalise, resize
from mdhr.errors import InputError


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
        for phase in range(min(stride, len(frames)))
        for start in range(phase, len(frames), num_frames * stride)
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
