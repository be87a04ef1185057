"""Stubs: a model whose scores are colors of its input, and a detector of blue squares."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from mdhr.data.faces.detection import Face
from mdhr.inference.model import Model
from mdhr.inference.model_description import ModelDescription

DESCRIPTION = ModelDescription(
    au_set="DISFA",
    num_frames=4,
    crop_size=32,
    frame_interval=1 / 25,
    fill=0.8,
    threshold=0.5,
    trained_on="nothing at all",
)
Painted = tuple[int, int, int, int]
"""x and y of the upper left corner, side length, red value."""


class StubModel(Model):
    """Model with the scores: mean red, green and blue of the frame, its position in the clip, mean red of the clip, zeros."""

    def __init__(self, **description: Any) -> None:
        super().__init__(self._of_pixels, replace(DESCRIPTION, **description), torch.device("cpu"))
        self.inputs: list[list[int]] = []
        """Mean red, 0 to 255, of the T frames of every scored clip."""

    def _of_pixels(self, clips: Tensor) -> Tensor:
        color = clips.float().mean((-2, -1)) / 255  # B T 3
        self.inputs += (color[..., 0] * 255).round().int().tolist()
        position = torch.linspace(0, 1, clips.shape[1]).expand(color.shape[:2])
        clip_red = color[..., 0].mean(1, keepdim=True).expand(color.shape[:2])
        scores = torch.cat([color, position[..., None], clip_red[..., None]], -1)
        return torch.nn.functional.pad(scores, (0, len(self.au_set.aus) - scores.shape[-1]))


class Marked:
    """Face detector that detects blue regions."""

    longest_side = 320

    def __init__(self, **settings: float) -> None:
        self.settings = settings

    def __call__(self, frame: np.ndarray) -> list[Face]:
        """Return one face per blue region, the largest first."""
        blue = ((frame[..., 2] > 180) & (frame[..., 1] < 90)).astype(np.uint8)
        _, _, patches, _ = cv2.connectedComponentsWithStats(blue)
        boxes = sorted((patch[:4] for patch in patches[1:] if patch[4] > 60), key=lambda box: -box[2] * box[3])
        return [Face(box.astype(float), None, 0.9) for box in boxes]

    def __str__(self) -> str:
        return "marks"


def paint_frames(faces: Sequence[Sequence[Painted]], *, height: int = 96, width: int = 160) -> list[np.ndarray]:
    """Return gray frames with faces for :class:`Marked`: blue squares with the given red value."""
    frames = []
    for painted in faces:
        frame = np.full((height, width, 3), 120, np.uint8)
        for x, y, side, red in painted:
            frame[y : y + side, x : x + side] = (red, 0, 255)
        frames.append(frame)
    return frames


def write_images(folder: Path, faces: Sequence[Sequence[Painted]]) -> Path:
    """Write the frames of :func:`paint_frames` to a folder of images and return the folder."""
    folder.mkdir()
    for number, frame in enumerate(paint_frames(faces)):
        cv2.imwrite(str(folder / f"{number}.png"), frame[..., ::-1])
    return folder
