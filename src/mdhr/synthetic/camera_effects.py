"""Image effects of a frame: background, lens blur, sensor noise, motion blur, resolution, and compression."""

from functools import lru_cache

import cv2
import numpy as np
import simplejpeg

from mdhr.synthetic.animation import FaceAnimation
from mdhr.synthetic.array_types import FloatArray, Image
from mdhr.synthetic.backgrounds import textured_background


def add_camera_effects(image: Image, animation: FaceAnimation, f: int) -> Image:
    """Return the image ``(size, size, 3)`` of frame ``f`` with lens blur and sensor noise."""
    size = len(image)
    sigma = float(animation.blur[f]) * size / 160
    if sigma > 0.2:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)
    if animation.noise[f] > 0:
        rng = np.random.default_rng([animation.background_seed, f])
        top, left = rng.integers(0, size, 2)
        grain = _noise_plate(size)[top : top + size, left : left + size]
        image = np.asarray(cv2.add(image, grain * animation.noise[f], dtype=cv2.CV_8U), np.uint8)
    return image


def background_image(size: int, animation: FaceAnimation) -> Image:
    """Return a background ``(size, size, 3)``: the background color with a soft random gradient, or with texture."""
    if animation.looks is not None and animation.looks.textured_background:
        return textured_background(size, tuple(float(c) for c in animation.background), animation.background_seed)
    return _background_image(size, tuple(float(c) for c in animation.background), animation.background_seed)


@lru_cache(maxsize=2)
def _noise_plate(size: int) -> FloatArray:
    """Return noise ``(2 size, 2 size, 3)``, of which each frame uses a random window."""
    return np.random.default_rng(size).standard_normal((2 * size, 2 * size, 3), dtype=np.float32)


@lru_cache(maxsize=16)
def _background_image(size: int, color: tuple[float, float, float], seed: int) -> Image:
    rng = np.random.default_rng([seed, 104729])
    grain = rng.standard_normal((4, 4, 3), dtype=np.float32) * np.float32(0.04)
    grain += rng.standard_normal((4, 4, 1), dtype=np.float32) * np.float32(0.10)
    soft = cv2.resize(grain, (size, size), interpolation=cv2.INTER_CUBIC)
    return (np.clip(np.asarray(color, np.float32) * (1 + soft), 0, 1) * 255).astype(np.uint8)


def blur_motion(image: Image, shake: FloatArray) -> Image:
    """Return the image blurred along ``shake`` ``(2,)``, the motion in pixels of a 160 px frame during the exposure."""
    motion = shake * len(image) / 160
    steps = int(np.ceil(np.abs(motion).max()))
    if steps < 1:
        return image
    kernel = np.zeros((2 * steps + 1, 2 * steps + 1), np.uint8)
    start, end = np.round(16 * (steps - motion / 2)).astype(int), np.round(16 * (steps + motion / 2)).astype(int)
    cv2.line(kernel, start.tolist(), end.tolist(), 255, 1, cv2.LINE_AA, 4)
    weights = kernel.astype(np.float32) / kernel.sum()
    return np.asarray(cv2.filter2D(image, -1, weights, borderType=cv2.BORDER_REPLICATE), np.uint8)


def transmit(image: Image, *, size: int, quality: int | None) -> Image:
    """Return the image after recording at ``size`` pixels and JPEG compression at ``quality`` (None: uncompressed)."""
    full = len(image)
    if size < full:
        image = np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
    if quality is not None:
        encoded = simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality=quality, colorsubsampling="420")
        image = simplejpeg.decode_jpeg(encoded)
    if size < full:
        image = np.asarray(cv2.resize(image, (full, full), interpolation=cv2.INTER_LINEAR), np.uint8)
    return image
