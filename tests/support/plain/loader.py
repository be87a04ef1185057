"""A training clip with Pillow, frame by frame, as tensors from the start."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageEnhance
from torch import Tensor

from mdhr.data.transforms import IMAGENET_MEAN, IMAGENET_STD, Augmentation


def plain_clip(paths: Sequence[str], draw: Augmentation, crop_size: int) -> Tensor:
    """``T 3 S S`` float32, ImageNet-normalized."""
    frames = []
    for path in paths:
        image = Image.open(path).convert("RGB")
        image = image.crop((draw.left, draw.top, draw.left + crop_size, draw.top + crop_size))
        if draw.flip:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        image = ImageEnhance.Brightness(image).enhance(draw.brightness)
        image = ImageEnhance.Contrast(image).enhance(draw.contrast)
        image = ImageEnhance.Color(image).enhance(draw.saturation)
        pixels = torch.from_numpy(np.array(image))
        frame = pixels.permute(2, 0, 1).float() / 255
        frame = (frame - torch.tensor(IMAGENET_MEAN)[:, None, None]) / torch.tensor(IMAGENET_STD)[:, None, None]
        frames.append(frame)
    return torch.stack(frames)
