"""Color histogram of a face, to distinguish people who cross or replace each other.

Measured on a real clip of 120 frames and on videos of 12 rendered subjects: the distance of a face to its first frame is at
most 0.45, and 99 % of the distances between people are above 0.67.
"""

import cv2
import numpy as np

MARGIN = 0.25
"""Margin around the face box in units of its sides: includes hair and collar."""
SAMPLES = 32
"""Width and height of the sampled region in pixels."""
LEVELS = (6, 24, 24)
"""Number of bins of lightness (all values) and of both color axes (values 64 to 192) of CIELAB."""


def face_histogram(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return the CIELAB histogram ``(K,)`` of a face with its surroundings, with sum 1.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        box: ``(4,)`` x and y of the upper left corner, width and height of the face in pixels of the image.
    """
    x, y, width, height = box
    left, top = int(max(0.0, x - MARGIN * width)), int(max(0.0, y - MARGIN * height))
    right, bottom = int(x + (1 + MARGIN) * width) + 1, int(y + (1 + MARGIN) * height) + 1
    region = image[min(top, image.shape[0] - 1) : max(bottom, 1), min(left, image.shape[1] - 1) : max(right, 1)]
    region = cv2.resize(region, (SAMPLES, SAMPLES))  # area averaging takes 20 times as long
    light, *colors = cv2.cvtColor(region, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.int64).T
    index = light * LEVELS[0] // 256
    for values, num in zip(colors, LEVELS[1:], strict=True):
        index = index * num + ((values - 64) * num // 128).clip(0, num - 1)
    return np.bincount(index, minlength=int(np.prod(LEVELS))) / SAMPLES**2


def histogram_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Hellinger distance of two histograms ``(K,)``, 0 to 1."""
    return float(np.sqrt(max(0.0, 1.0 - np.sqrt(first * second).sum())))
