"""Crop boxes, gap filling, smoothing and resampling, on faces of known position."""

import cv2
import numpy as np
import pytest

from mdhr.data.faces.cropping import CropBox, central_square, crop_box, crop_face, fill_gaps, smooth_boxes
from mdhr.data.faces.detection import Face


def face_at(x: float, y: float, unit: float, roll: float) -> Face:
    """Return a face with eyes ``unit`` above the mouth, rotated clockwise by ``roll`` degrees about the eyes."""
    points = np.array([[-0.4, 0], [0.4, 0], [0, 0.6], [-0.3, 1], [0.3, 1]]) * unit
    c, s = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    return Face(np.zeros(4), points @ np.array([[c, s], [-s, c]]) + [x, y])


def test_upright_face() -> None:
    box = crop_box(face_at(100, 50, 40, 0), fill=0.8)
    np.testing.assert_allclose(box, (100, 50 + 0.6 * 40, 1.92 * 40 / 0.8, 0))


@pytest.mark.parametrize("roll", [-30, 0, 25])
@pytest.mark.parametrize("unit", [20, 130])
def test_eyes_and_mouth_have_the_position_of_rendered_faces(roll: float, unit: float) -> None:
    """At fill 0.74 the eyes are at 27 % and the mouth at 65 % of the height, for every size and tilt."""
    face = face_at(300, 250, unit, roll)
    image = np.zeros((600, 600, 3), np.uint8)
    for color, point in zip(([255, 0, 0], [0, 255, 0], None, [0, 0, 255], [0, 0, 255]), face.landmarks, strict=True):
        if color:
            cv2.circle(image, np.rint(point).astype(int).tolist(), max(2, int(unit / 10)), color, -1)
    crop = crop_face(image, crop_box(face), 200).astype(float)
    rows, columns = np.mgrid[:200, :200] / 200
    place = [
        (float((rows * c).sum() / c.sum()), float((columns * c).sum() / c.sum())) for c in np.moveaxis(crop, -1, 0)
    ]
    scale = 0.74 / 1.92
    expected = [
        (0.5 - 0.6 * scale, 0.5 - 0.4 * scale),
        (0.5 - 0.6 * scale, 0.5 + 0.4 * scale),
        (0.5 + 0.4 * scale, 0.5),
    ]
    np.testing.assert_allclose(place, expected, atol=0.012)


def test_box_replaces_missing_landmarks() -> None:
    x, y, size, roll = crop_box(Face(np.array([10.0, 20, 60, 80]), None))
    assert (x, roll) == (40, 0)
    assert 60 < y < 70
    assert 75 < size < 85


def test_gaps_take_the_nearest_box() -> None:
    boxes = np.full((7, 4), np.nan)
    boxes[1], boxes[5] = CropBox(0, 0, 10, 0), CropBox(40, 0, 20, 5)
    filled = fill_gaps(boxes)
    assert filled[:, 0].tolist() == [0, 0, 0, 0, 40, 40, 40]
    assert not np.isnan(filled).any()
    np.testing.assert_array_equal(filled[[1, 5]], boxes[[1, 5]])


def test_smoothing_removes_jitter_and_keeps_movement() -> None:
    rng = np.random.default_rng(0)
    path = np.linspace(0, 100, 200)
    boxes = np.array([CropBox(x + noise, 0, 50, 0) for x, noise in zip(path, rng.normal(0, 2, 200), strict=True)])
    np.testing.assert_array_equal(smooth_boxes(boxes, sigma=0), boxes)
    smoothed = smooth_boxes(boxes, sigma=5)
    assert np.abs(smoothed[20:-20, 0] - path[20:-20]).max() < 1.5
    assert np.diff(smoothed[:, 0]).std() < 0.3


def test_crop_beyond_the_image_repeats_its_edge() -> None:
    image = np.full((40, 40, 3), 90, np.uint8)
    np.testing.assert_array_equal(crop_face(image, (0, 0, 60, 20), 32), np.full((32, 32, 3), 90))


@pytest.mark.parametrize("margin", [(0, 0), (10, 0), (0, 7)])
def test_central_square(margin: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    top, left = margin
    wider = np.pad(image, ((top, top), (left, left), (0, 0)))
    np.testing.assert_array_equal(crop_face(wider, central_square(*wider.shape[:2]), 32), image)


@pytest.mark.parametrize("side", [120, 255, 256, 390, 700])
@pytest.mark.parametrize("center", [(310.5, 222.25), (10.0, 470.0), (-300.0, 600.0)])
def test_large_faces_are_averaged(side: float, center: tuple[float, float]) -> None:
    """The crop contains the mean of many samples of the smooth image around each of its pixels."""

    def waves(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 128 + 60 * np.sin(x.clip(0, 639) / 40) * np.cos(y.clip(0, 479) / 50)

    y, x = np.mgrid[:480, :640].astype(float)
    frame = np.repeat(waves(x, y).round().astype(np.uint8)[..., None], 3, axis=2)
    crop = crop_face(frame, np.array([*center, side, 12.0]), 64)
    down, right = ((np.mgrid[:512, :512] + 0.5) / 512 - 0.5) * side
    cos, sin = np.cos(np.radians(12)), np.sin(np.radians(12))
    samples = waves(center[0] + cos * right - sin * down, center[1] + sin * right + cos * down)
    expected = samples.reshape(64, 8, 64, 8).mean((1, 3))
    np.testing.assert_allclose(crop[..., 0].astype(int), expected, atol=4)
